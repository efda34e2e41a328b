package app

import (
	"cmp"
	"context"
	"time"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/changes"
)

// notices takes in what others say has changed in the connection.
func (p deps) notices(pool *postgres.Pool) changes.Inbox {
	return changes.Inbox{
		ConnectionID: p.id(),
		Kinds:        p.connection().Kinds(),
		Store:        p.noticeStore(pool),
		Queue:        p.queue(),
		Enabled:      p.cfg.RealTimeSync,
		Bot: func(ctx context.Context) (string, error) {
			ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
			defer cancel()
			bot, err := p.notion(p.source(), p.budget(true)).Me(ctx)
			if err != nil {
				return "", err
			}
			return string(bot.ID), nil
		},
		Now: time.Now,
		Log: p.log,
	}
}

func (p deps) noticeStore(pool *postgres.Pool) postgres.Notices {
	return postgres.Notices{Pool: pool, ConnectionID: p.id(), Mapping: p.cfg.Mapping, Sealing: p.sealing()}
}

// anyConnection takes in notices that others send, of whichever connection they are.
type anyConnection struct {
	deps
	db *postgres.Pool
}

// Notion takes in a webhook, signed for the first connection.
func (a anyConnection) Notion(ctx context.Context, body []byte, signature string) error {
	first, err := a.inbox(ctx, config.DefaultConnection)
	if err != nil {
		return err
	}
	first.OfWorkspace = func(ctx context.Context, workspaceID string) (changes.Inbox, error) {
		settings, err := postgres.Settings{Pool: a.db}.OfWorkspace(ctx, workspaceID)
		if fault.KindOf(err) == fault.NotFound {
			return first, nil // NOTION_TOKEN does not say whose it is
		}
		return a.of(settings).notices(a.db), err
	}
	return first.Notion(ctx, body, signature)
}

// Changed takes in that rows changed.
func (a anyConnection) Changed(ctx context.Context, connectionID, kind string) {
	desk, err := a.inbox(ctx, cmp.Or(connectionID, config.DefaultConnection))
	if err != nil {
		a.log.WarnContext(ctx, "nobody looks at what was noticed before the next sync", "connection_id", connectionID, "kind", kind, "error", err)
		return
	}
	desk.Changed(ctx, kind)
}

func (a anyConnection) inbox(ctx context.Context, connectionID string) (changes.Inbox, error) {
	settings, err := postgres.Settings{Pool: a.db}.Read(ctx, connectionID)
	return a.of(settings).notices(a.db), err
}
