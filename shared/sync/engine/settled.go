package engine

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// settled says what of a decision is to be stored. A side that has a record to create, to archive or to restore, and has not
// done so, leaves the base as it is; one that has fields to write leaves those fields of the base as they are.
func (p *planner) settled(d *decision) journal.Settled {
	s := journal.Settled{
		Key: d.known.Key, Was: d.known.Row, Row: d.plan.Postgres,
		Lens: p.lens, Base: d.known.Base, Rebased: d.rebased, Page: d.page, State: d.plan.State,
		Unsettled: map[string]bool{},
		Closed:    p.closed(d),
		Refused:   d.known.Refused,
	}
	if parting := p.parting(d); parting != s.Base {
		s.Base, s.Rebased = parting, true // also where its deletion is held: what it waited for is not kept
	}
	s.Decided = decidedColumns(d)
	s.Refusal, s.RefusedFor = p.refusal(d), d.known.RefusedFor
	if d.err == nil && d.made.Op != merge.Create && s.Refusal != nil && sameWaits(s.Refusal.Fields, d.known.Waits) {
		s.RefusedFor = s.Refusal.Reason // but for what the property and the record are called by now
	}
	if d.err != nil || !d.held && d.plan.Notion.Op == merge.Nothing {
		s.Changes = d.known.Changes
	}
	masked := d.held || !p.part.Run.Type.WritesPostgres()
	leave(&s, d.plan.Notion)
	maps.Copy(s.Unsettled, d.apart())
	if masked {
		leave(&s, d.plan.Postgres)
	}
	if masked || s.Keep {
		s.Row = merge.Action{}
	}
	if d.made.Op != merge.Nothing {
		s.Events = append(p.tellConflicts(d, d.intent.Conflicts), p.tell(d, merge.Notion, d.made)...)
	}
	if !masked && !s.Keep {
		s.Conflicts = append(p.conflicts(d, merge.Notion), p.waiting(d)...)
		s.OnRow = append(p.tellConflicts(d, s.Conflicts), p.tell(d, merge.Supabase, s.Row)...)
	}
	s.Ended = ended(d, s)
	for _, dispute := range d.known.Disputes {
		if dispute.Respelled {
			s.Respelled = append(s.Respelled, dispute)
		}
	}
	s.Released = (d.known.Verdict != "" || p.holds) && !s.Keep && d.err == nil // it may have come into a hold since it was looked up
	s.Keep = s.Keep || d.plan.State == record.None || p.unchanged(d)
	return s
}

// parting returns the base of a record. One that goes away waits no more, and what its page shows of a field that Notion refused stays nobody's edit:
// once it returns, the row's value passes.
func (p *planner) parting(d *decision) *record.Base {
	base := d.known.Base
	if base == nil || d.plan.State != record.Archived {
		return base
	}
	var fields []string
	shown := map[string]json.RawMessage{}
	for field, wait := range d.known.Waits {
		if _, known := base.Columns[field]; !known && wait.Shown != nil {
			fields, shown[field] = append(fields, field), wait.Shown
		}
	}
	if len(fields) == 0 {
		return base
	}
	next, err := p.lens.Without(*base, fields, shown)
	if err != nil {
		return base
	}
	return &next
}

// decidedColumns returns the columns that people decided on, by field.
func decidedColumns(d *decision) map[string]json.RawMessage {
	var columns map[string]json.RawMessage
	for _, dispute := range d.known.Disputes {
		if dispute.Decided {
			if columns == nil {
				columns = map[string]json.RawMessage{}
			}
			columns[dispute.Field] = dispute.Value
		}
	}
	return columns
}

// leave keeps out of the base what a side still has to do.
func leave(s *journal.Settled, todo merge.Action) {
	switch todo.Op {
	case merge.Create, merge.Archive, merge.Restore:
		s.Keep = true
	case merge.Update:
		for field := range todo.Fields {
			s.Unsettled[field] = true
		}
	case merge.Nothing:
	}
}

// unchanged reports whether the base already is what both sides show.
func (p *planner) unchanged(d *decision) bool {
	base, page := d.known.Base, d.page
	if base == nil || d.rebased || !d.plan.Idle() || base.State != d.plan.State || !p.sameColumns(d) || p.learns(d) {
		return false
	}
	if page == nil || page.Document == nil {
		return true
	}
	if page.Completed && !sameEdit(d.item) {
		return false // so that the next look need not fetch it whole again
	}
	apart := d.apart()
	if base.PageID != page.ID || base.Mixed() && len(apart) == 0 {
		return false
	}
	document := page.Document
	if len(apart) > 0 { // the base keeps what both had
		next, err := p.lens.Advance(base, page, d.known.Row, d.plan.State, apart)
		if err != nil {
			return false
		}
		document = next.Document
	}
	return record.SamePage(base.Document, document)
}

// learns reports whether a field has come into step that the base does not know: its property was taken away, and is back.
func (p *planner) learns(d *decision) bool {
	if d.plan.State != record.Live || d.known.Row == nil || d.page == nil || d.page.Document == nil {
		return false
	}
	apart := d.apart()
	return slices.ContainsFunc(p.lens.Fields(), func(f mapping.Field) bool {
		_, known := d.known.Base.Columns[f.Column]
		_, shown := d.known.Row.Columns[f.Column]
		return shown && !known && !apart[f.Column]
	})
}

// closed returns the intents of which it is now known whether they were carried out.
func (p *planner) closed(d *decision) []journal.Closed {
	closed := d.answered
	if d.intent != nil {
		closed = append(closed, journal.Closed{ID: d.intent.ID, Made: d.made.Op != merge.Nothing})
	}
	return closed
}

// answers says of left-over writes whether they were made, as their page shows before anything else is written to it.
func (p *planner) answers(d *decision) []journal.Closed {
	var closed []journal.Closed
	for _, left := range d.left {
		closed = append(closed, journal.Closed{ID: left.ID, Made: p.overwrote(d, left)})
	}
	return closed
}

// overwrote reports whether a left-over write may have been made: then what it overwrote is lost but for the conflicts that were stored
// with it. It was not where the page still shows what it would have overwritten. Of a page that shows neither that nor what was to be
// written, as where somebody edited it since, or of one that is gone, nobody can know, and they are kept as well.
func (p *planner) overwrote(d *decision, left journal.Intent) bool {
	if d.page == nil {
		return false
	}
	if d.page.State == record.Gone {
		return true
	}
	notion := p.lens.OfPage(d.page, d.base)
	made := notion.State.Alive()
	for _, f := range p.lens.Fields() {
		i := slices.IndexFunc(left.Conflicts, func(c journal.Conflict) bool { return c.Field == f.Column })
		if i < 0 {
			continue
		}
		shown := record.Keepable(record.Column(f, notion.Fields[f.Column]))
		if made = !record.SameColumn(f.ColumnType, left.Conflicts[i].NotionColumn, shown); made {
			break
		}
	}
	return made
}

// refusedBy tells which side a record's error is about: its row cannot be read, or Notion does not take it.
func refusedBy(d *decision) merge.Side {
	if d.intent == nil && fault.KindOf(d.err) != fault.Full {
		return merge.Supabase
	}
	return merge.Notion
}
