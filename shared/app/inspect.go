package app

import (
	"context"
	"encoding/json"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/notion/pages"
	"github.com/act-platform/enhanced-integration/shared/ops/stats"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/postgres/records"
	"github.com/act-platform/enhanced-integration/shared/resilience/cache"
	"github.com/act-platform/enhanced-integration/shared/sync/inspect"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

func pageCache() cache.Kind {
	return cache.Kind{Name: stats.PageEntry, TTL: 30 * time.Second, Keep: 24 * time.Hour}
}

func userCache() cache.Kind {
	return cache.Kind{Name: stats.UserEntry, TTL: time.Hour, Keep: 24 * time.Hour}
}

// reviewer shows people what Notion has.
func (p deps) reviewer(pool *postgres.Pool) inspect.Reviewer {
	client := p.notion(p.source(), p.budget(true))
	return inspect.Reviewer{Notion: notionReader{p, pool, client}, Mapping: p.cfg.Mapping, Cache: p.cache(), Pages: pageCache(), Users: userCache()}
}

// notionReader asks Notion.
type notionReader struct {
	deps
	db     *postgres.Pool
	client *notion.Client
}

// Page reads a page as the row's columns show it.
func (g notionReader) Page(ctx context.Context, k mapping.Kind, pageID string) (inspect.Page, error) {
	known, _, err := records.New(g.db, g.id(), g.cfg.Mapping, k, newID).Database(ctx)
	if err != nil {
		return inspect.Page{}, err
	}
	page, err := pages.New(g.client, k, g.log).Page(ctx, pageID)
	if fault.KindOf(err) == fault.NotFound {
		return inspect.Page{State: record.Gone}, nil
	}
	if err != nil {
		return inspect.Page{}, err
	}
	document, err := notion.ParsePage(page.Document)
	if err != nil {
		return inspect.Page{}, err
	}
	shows := inspect.Page{State: page.State, EditedAt: page.EditedAt, EditedBy: document.LastEditedBy, Columns: map[string]json.RawMessage{}}
	if known == nil {
		return shows, nil
	}
	binding := known.InStep()
	for _, f := range k.Fields {
		live, bound := binding[f.Column]
		if value, shown := page.Properties[live.ID]; bound && shown {
			shows.Columns[f.Column] = record.Column(f, value.Value)
			if value.Truncated {
				shows.Cut = append(shows.Cut, f.Column)
			}
		}
	}
	return shows, nil
}

// User returns a person's name.
func (g notionReader) User(ctx context.Context, id string) (string, error) {
	user, err := g.client.User(ctx, id)
	if err != nil {
		return "", err
	}
	return user.Name, nil
}
