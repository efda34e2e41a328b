package engine

import (
	"context"
	"encoding/json"
	"maps"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// A dry run goes the way of a real one, with two differences: a write to Notion is only taken as made (pretend), and a batch is
// committed to a rehearsal of the tables, which keeps what would become of each record in place of doing it. Since nothing that it
// does shows in what it reads, a record that it has spoken of is left aside from then on (journal.Known).

// pretend takes writes to Notion as made. Each page then shows what Notion would answer, but for what Notion computes.
func (w *worker) pretend(ctx context.Context, writes []*decision) error {
	for _, d := range writes {
		intent := w.intend(d)
		d.intent = &intent
		todo := d.plan.Notion
		fields, err := w.writable(ctx, d, todo, w.doubtful(d))
		if err != nil {
			return err
		}
		if _, d.err = (journal.Write{Op: todo.Op, Fields: fields, Binding: w.lens.Binding}).Properties(); d.err != nil {
			continue
		}
		if todo.Op != merge.Create {
			d.replaced = w.seen(d)
		}
		d.page, d.wrote = w.answered(d, todo), todo.Fields
		d.made, d.trashed = todo, todo.Op == merge.Archive
		w.plan(d)
	}
	return nil
}

// answered returns the page as a write would leave it.
func (p *planner) answered(d *decision, todo merge.Action) *record.Page {
	page := record.Page{ID: d.known.Key.PageID}
	if d.page != nil {
		page = *d.page
	}
	page.State, page.EditedAt = record.Live, p.Now()
	if todo.Op == merge.Archive {
		page.State = record.Archived
	}
	page.Properties = maps.Clone(page.Properties)
	if page.Properties == nil {
		page.Properties = map[string]property.Property{}
	}
	for field, v := range todo.Fields {
		live := p.lens.Binding[field]
		page.Properties[live.ID] = property.Property{ID: live.ID, Type: live.Type, Value: v}
	}
	return &page
}

// previews says what would become of a record, nothing where it is as it should be and nobody has to look at it.
func (p *planner) previews(d *decision, s journal.Settled) []journal.Preview {
	ahead := journal.Preview{Kind: p.part.Kind, Key: s.Key, Title: p.titleOf(d), Match: d.known.Match, Conflicts: overruled(s.Conflicts)}
	ahead.Notion = p.effect(d.made, func(f mapping.Field) json.RawMessage {
		if d.made.Op == merge.Create {
			return nil
		}
		return record.Column(f, d.replaced.Fields[f.Column])
	})
	ahead.Supabase = p.effect(s.Row, func(f mapping.Field) json.RawMessage {
		if s.Was == nil {
			return nil
		}
		return s.Was.Columns[f.Column]
	})
	if d.held {
		ahead.Held = true
		ahead.Notion, ahead.Supabase = p.effect(deletion(d.plan.Notion), nil), p.effect(deletion(d.plan.Postgres), nil)
	}
	if d.made.Op != merge.Nothing {
		ahead.Conflicts = append(ahead.Conflicts, overruled(d.intent.Conflicts)...)
	}
	if s.Refusal != nil {
		ahead.Refusal = &journal.Foreseen{Side: s.Refusal.Side, Reason: s.Refusal.Reason}
	}
	lookedFor := len(d.known.Changes) > 0 || d.known.Refused > 0 || len(d.left) > 0
	if ahead.Notion == nil && ahead.Supabase == nil && ahead.Refusal == nil && ahead.Match == "" && len(ahead.Conflicts) == 0 && !lookedFor {
		return nil
	}
	return []journal.Preview{ahead}
}

// effect describes what a side would take; has gives what it holds now.
func (p *planner) effect(took merge.Action, has func(mapping.Field) json.RawMessage) *journal.Effect {
	if took.Op == merge.Nothing {
		return nil
	}
	e := &journal.Effect{Op: took.Op, Fields: []journal.Field{}}
	for _, f := range p.lens.Fields() {
		if v, written := took.Fields[f.Column]; written {
			e.Fields = append(e.Fields, journal.Field{Field: f.Column, Has: has(f), Gets: record.Column(f, v)})
		}
	}
	return e
}

// deletion returns the action if it deletes.
func deletion(a merge.Action) merge.Action {
	if a.Op != merge.Archive {
		return merge.Action{}
	}
	return a
}

func overruled(conflicts []journal.Conflict) []journal.Overruled {
	list := make([]journal.Overruled, len(conflicts))
	for i, c := range conflicts {
		list[i] = journal.Overruled{Field: c.Field, Rule: c.Rule, Winner: c.Winner, Notion: c.NotionColumn, Supabase: c.PostgresColumn}
	}
	return list
}

// titleOf returns a record's title, as its page shows it, else its row.
func (p *planner) titleOf(d *decision) string {
	f := p.lens.Kind.Title()
	text, _ := p.seen(d).Fields[f.Column].(property.Text)
	title := property.PlainText(text)
	if title == "" && d.known.Row != nil {
		_ = json.Unmarshal(d.known.Row.Columns[f.Column], &title) // null: no title
	}
	return title
}
