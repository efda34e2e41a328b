package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// A field waits when one side has a value that the other cannot hold. Neither side is written, the base keeps what it knows of the field, and
// the record's other fields go on as if the field were not mapped. It is planned again whenever the record is.

// wait has a field of a record wait. side is the one that cannot hold the value, or whose value cannot be read.
func (p *planner) wait(d *decision, f mapping.Field, side merge.Side, err error) {
	if d.waits == nil {
		d.waits = map[string]journal.FieldRefusal{}
	}
	if _, waits := d.waits[f.Column]; !waits {
		d.waits[f.Column] = journal.FieldRefusal{Side: side, Reason: fault.Message(err)}
	}
}

// make plans a record's trees, without the fields that have to wait.
func (p *planner) make(d *decision, trees merge.Trees) {
	respelled := p.misspelled(trees, p.rules(d))
	trees.Postgres = trees.Postgres.With(respelled)
	for {
		d.plan = merge.Make(trees, p.rules(d))
		maps.DeleteFunc(respelled, func(field string, _ property.Value) bool { _, waits := d.waits[field]; return waits })
		d.plan.Postgres = d.plan.Postgres.With(respelled)
		p.withoutIdle(d, trees.Notion)
		before := len(d.waits)
		for _, f := range p.lens.Fields() {
			if v, given := d.plan.Notion.Fields[f.Column]; given {
				if _, err := property.Encode(f.Type, v); err != nil {
					p.wait(d, f, merge.Notion, err)
				}
			}
			if v, given := d.plan.Postgres.Fields[f.Column]; given {
				if err := record.Storable(f, v); err != nil {
					p.wait(d, f, merge.Supabase, err)
				}
			}
		}
		if len(d.waits) == before {
			return
		}
	}
}

// blame reports whether it found out which field Notion has refused of a write: its answer names the property, the option, or the person.
func (p *planner) blame(d *decision, todo merge.Action, err error) bool {
	for _, f := range p.lens.Fields() {
		v, written := todo.Fields[f.Column]
		if !written {
			continue
		}
		reason, is := p.refusedFor(f, v, err)
		if only := len(todo.Fields) == 1 && todo.Op == merge.Update && fault.KindOf(err) == fault.Invalid; !is && !only {
			continue
		}
		if d.refused == nil {
			d.refused = map[string]journal.FieldRefusal{}
		}
		d.refused[f.Column], d.again = journal.FieldRefusal{Side: merge.Notion, Reason: reason}, true
		return true
	}
	return false
}

// refusedFor says why Notion refuses a field, and reports whether its answer names the field, or what was written to it.
func (p *planner) refusedFor(f mapping.Field, v property.Value, err error) (string, bool) {
	live, answer := p.lens.Binding[f.Column], err.Error()
	reason := fault.Message(err)
	if live.ID != string(f.Type) { // a title's id is no name that a person would not know
		reason = strings.ReplaceAll(reason, live.ID, fmt.Sprintf("%q", live.Name))
	}
	switch v := v.(type) {
	case property.People:
		for _, id := range v.IDs() {
			if strings.Contains(answer, id) || strings.Contains(answer, strings.ReplaceAll(id, "-", "")) {
				return fmt.Sprintf("Notion knows nobody with the id %s in this workspace: take it out of the row, or invite the person.", id), true
			}
		}
	case property.Option:
		if f.Type == property.TypeStatus && strings.Contains(answer, fmt.Sprintf("%q", string(v))) {
			return fmt.Sprintf("Notion has no status %q: add it to the property in Notion, or change the row. A status cannot be added over the API.", string(v)), true
		}
	}
	named := strings.Contains(answer, fmt.Sprintf("%q", live.Name)) || strings.Contains(answer, live.Name+" is ") || strings.Contains(answer, "properties."+live.Name+".")
	byID := live.ID != string(f.Type) && strings.Contains(answer, live.ID)
	return reason, named || byID
}

// untouched returns the base with what a page shows of fields that Notion refused, as long as it shows what it did then.
func (p *planner) untouched(d *decision, base, notion record.Tree) record.Tree {
	same := record.Fields{}
	for _, f := range p.lens.Fields() {
		if _, known := base.Fields[f.Column]; !known && stillShown(d, f, notion) {
			same[f.Column] = notion.Fields[f.Column]
		}
	}
	return base.With(same)
}

// stillShown reports whether a page shows of a field what it showed when Notion refused the field.
func stillShown(d *decision, f mapping.Field, notion record.Tree) bool {
	was := d.known.Waits[f.Column].Shown
	return was != nil && record.SameColumn(f.ColumnType, was, record.Keepable(record.Column(f, notion.Fields[f.Column])))
}

// unasked returns the fields that Notion refused before, where the run writes nothing to Notion: they wait on for one that does. A field that somebody
// has edited in Notion since waits no more.
func (p *planner) unasked(d *decision) map[string]journal.FieldRefusal {
	if p.part.Run.Type.WritesNotion() {
		return nil
	}
	notion, waits := p.seen(d), map[string]journal.FieldRefusal{}
	for _, f := range p.lens.Fields() {
		if stillShown(d, f, notion) {
			waits[f.Column] = d.known.Waits[f.Column]
		}
	}
	return waits
}

// withoutRefused returns those of the writes that Notion refused for one field, and that are still to be made without it.
func (p *planner) withoutRefused(writes []*decision) []*decision {
	var again []*decision
	for _, d := range writes {
		if !d.again {
			continue
		}
		d.again, d.err = false, nil
		if p.plan(d); d.plan.Notion.Op != merge.Nothing {
			again = append(again, d)
		}
	}
	return again
}

// apart returns the fields in which the sides differ, and stay so for now: a person has to decide, or one side cannot hold the other's value.
func (d *decision) apart() map[string]bool {
	apart := map[string]bool{}
	maps.Copy(apart, d.plan.Waiting)
	for field := range d.waits {
		apart[field] = true
	}
	return apart
}

// refusal says why a record, or some of its fields, are set aside; nil where nothing is. In a record that goes away, or is away, no field waits: there is
// nothing left to do, and once the record is back, its fields are planned anew.
func (p *planner) refusal(d *decision) *journal.Refusal {
	waits := d.waits
	if d.plan.State == record.Archived {
		waits = nil
	}
	if d.err == nil && len(waits) == 0 {
		return nil
	}
	r := &journal.Refusal{Again: p.Now().Add(journal.Backoff(d.known.Refused)), Fields: maps.Clone(waits)}
	notion := p.seen(d)
	for _, f := range p.lens.Fields() {
		if why, refused := d.refused[f.Column]; refused {
			if r.Fields == nil { // what Notion has refused was not planned anew: the batch broke off
				r.Fields = map[string]journal.FieldRefusal{}
			}
			why.Shown = record.Keepable(record.Column(f, notion.Fields[f.Column]))
			r.Fields[f.Column] = why
		}
	}
	if d.err != nil {
		r.Side, r.Reason = refusedBy(d), fault.Message(d.err)
		return r
	}
	names := slices.Sorted(maps.Keys(waits))
	r.Side = waits[names[0]].Side
	reasons := make([]string, len(names))
	for i, name := range names {
		reasons[i] = fmt.Sprintf("%q: %s", p.propertyName(name), waits[name].Reason)
	}
	r.Reason = strings.Join(reasons, " ")
	if title := p.titleOf(d); title != "" {
		r.Reason = fmt.Sprintf("%q, property %s", title, r.Reason)
	} else {
		r.Reason = "Property " + r.Reason
	}
	return r
}

// sameWaits reports whether the same fields wait, for the same reasons.
func sameWaits(a, b map[string]journal.FieldRefusal) bool {
	return maps.EqualFunc(a, b, func(a, b journal.FieldRefusal) bool { return a.Side == b.Side && a.Reason == b.Reason })
}

// propertyName returns what people call a field in Notion.
func (p *planner) propertyName(field string) string {
	if live, bound := p.lens.Binding[field]; bound && live.Name != "" {
		return live.Name
	}
	return field
}
