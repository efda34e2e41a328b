package engine

import (
	"time"

	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// changed is the data of record_created, record_updated and record_deleted.
type changed struct {
	Kind     string   `json:"kind"`
	ID       string   `json:"id"`
	NotionID string   `json:"notion_id,omitempty"`
	Fields   []string `json:"fields,omitempty"`
	Restored bool     `json:"restored,omitempty"`
}

// conflicted is the data of sync_conflict.
type conflicted struct {
	ConflictID string     `json:"conflict_id"`
	Kind       string     `json:"kind"`
	ID         string     `json:"id"`
	NotionID   string     `json:"notion_id,omitempty"`
	Field      string     `json:"field,omitempty"`
	Rule       merge.Rule `json:"rule"`
	Winner     merge.Side `json:"winner"`
}

// drifted is the data of schema_changed.
type drifted struct {
	Kind string `json:"kind"`
	mapping.Drift
}

// progressed is the data of sync_progress.
type progressed struct {
	SyncID string        `json:"sync_id"`
	Kind   string        `json:"kind"`
	Phase  journal.Phase `json:"phase"`
	journal.Pace
	SecondsLeft float64        `json:"seconds_left,omitempty"`
	Counts      journal.Counts `json:"counts"`
}

// progressEvery is how often a part that takes longer tells how far it is.
const progressEvery = 10 * time.Second

// progress tells how far the part is, now and then.
func (w *worker) progress() {
	if w.told.IsZero() {
		w.told = w.part.StartedAt
	}
	now := w.Now()
	if now.Sub(w.told) < progressEvery {
		return
	}
	w.told = now
	at := w.part.Checkpoint
	pace := journal.PartProgress{At: at, Counts: w.part.Counts, StartedAt: w.part.StartedAt}.Pace(now)
	w.emit(event.SyncProgress, event.Integration, event.Integration, progressed{
		w.part.Run.ID, w.part.Kind, at.Phase, pace, pace.Left.Seconds(), w.part.Counts,
	})
}

// emit notes an event for the next commit.
func (w *worker) emit(t event.Type, source, target event.System, data any) {
	w.events = append(w.events, w.event(t, source, target, data))
}

func (p *planner) event(t event.Type, source, target event.System, data any) event.Event {
	return event.Draft{Type: t, Source: source, Target: target, Data: data}.New(p.NewID(), p.Now())
}

// tell returns the event of what a side took.
func (p *planner) tell(d *decision, side merge.Side, took merge.Action) []event.Event {
	if took.Op == merge.Nothing {
		return nil
	}
	source, target := event.Notion, event.Supabase
	if side == merge.Notion {
		source, target = target, source
	}
	data := changed{
		Kind: p.part.Kind, ID: d.known.Key.RowID, NotionID: d.known.Key.PageID,
		Fields: took.Fields.Names(), Restored: took.Op == merge.Restore,
	}
	t := event.RecordUpdated
	switch took.Op {
	case merge.Create:
		t = event.RecordCreated
	case merge.Archive:
		t = event.RecordDeleted
	case merge.Update, merge.Restore, merge.Nothing:
	}
	return []event.Event{p.event(t, source, target, data)}
}

func (p *planner) tellConflicts(d *decision, conflicts []journal.Conflict) []event.Event {
	events := make([]event.Event, len(conflicts))
	for i, c := range conflicts {
		events[i] = p.event(event.SyncConflict, event.Integration, event.Integration, conflicted{
			ConflictID: c.ID, Kind: p.part.Kind, ID: d.known.Key.RowID, NotionID: d.known.Key.PageID,
			Field: c.Field, Rule: c.Rule, Winner: c.Winner,
		})
	}
	return events
}

// conflicts returns the plan's conflicts that side wins, with what both sides showed.
func (p *planner) conflicts(d *decision, winner merge.Side) []journal.Conflict {
	fields := map[string]mapping.Field{}
	for _, f := range p.lens.Fields() {
		fields[f.Column] = f
	}
	var conflicts []journal.Conflict
	for _, c := range d.plan.Conflicts {
		if c.Winner != winner {
			continue
		}
		stored := journal.Conflict{ID: p.NewID(), Conflict: c}
		if f, ok := fields[c.Field]; ok {
			stored.NotionColumn = record.Column(f, c.Notion)
			stored.PostgresColumn = record.Column(f, c.Postgres)
			if column, shown := columnOf(f, d.known.Row); shown && record.Agrees(f, column, c.Postgres) {
				stored.PostgresColumn = column // whole, where Notion's kinds of values hold less of it
			}
			stored.BaseColumn = record.Column(f, c.Base)
			if d.page != nil {
				stored.PageProperty = record.RawProperty(d.page.Document, p.lens.Binding[c.Field].ID)
			}
		}
		conflicts = append(conflicts, stored)
	}
	return conflicts
}

// count adds what became of a decision.
func (w *worker) count(d *decision, o journal.Outcome, s journal.Settled) {
	n := &w.part.Counts
	switch d.made.Op {
	case merge.Create:
		n.PagesCreated++
	case merge.Update, merge.Restore:
		n.PagesUpdated++
	case merge.Archive:
		n.PagesArchived++
	case merge.Nothing:
	}
	if row := d.known.Key.RowID; (s.Refusal != nil || o.Refused) && !w.erred[row] {
		w.erred[row] = true
		n.Errors++
	}
	for _, c := range s.Closed {
		if c.Made && d.intent != nil && c.ID == d.intent.ID {
			n.Conflicts += len(d.intent.Conflicts)
		}
	}
	if !o.Applied {
		return
	}
	n.Conflicts += len(s.Conflicts)
	switch s.Row.Op {
	case merge.Create:
		n.RowsCreated++
	case merge.Update, merge.Restore:
		n.RowsUpdated++
	case merge.Archive:
		n.RowsArchived++
	case merge.Nothing:
	}
}
