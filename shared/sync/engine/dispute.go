package engine

import (
	"encoding/json"
	"slices"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// decided returns what people decided for a record's fields, and whether each side still has what the person saw. A field of which it cannot be
// read waits. What could not be done, and is outdated by now, is decided no more.
func (p *planner) decided(d *decision, notion, postgres record.Tree) map[string]merge.Decision {
	var decided map[string]merge.Decision
	for _, f := range p.lens.Fields() {
		inNotion, inRow := notion.Fields[f.Column], p.lens.Respelled(f.Column, postgres.Fields[f.Column], p.renames)
		for i, dispute := range d.known.Disputes {
			if dispute.Field != f.Column || !dispute.Decided {
				continue
			}
			if outdated(d, f, dispute, inNotion, inRow) {
				d.known.Disputes[i].Decided, d.known.Disputes[i].Lapsed = false, true
				continue
			}
			value, err := p.chosen(d, f, dispute, inNotion)
			if err != nil {
				p.wait(d, f, merge.Supabase, err)
				continue
			}
			if decided == nil {
				decided = map[string]merge.Decision{}
			}
			decided[f.Column] = merge.Decision{Value: value, NotionSeen: seen(f, dispute, inNotion), PostgresSeen: seen(f, dispute, inRow)}
		}
	}
	return decided
}

// outdated reports whether one side has refused what a person decided, and somebody has edited the field since: a side has another value, or both
// have come to agree.
func outdated(d *decision, f mapping.Field, dispute journal.Dispute, notion, postgres property.Value) bool {
	_, waited := d.known.Waits[f.Column]
	refused := waited || d.known.Refused > 0 && len(d.known.Waits) == 0
	edited := func(v property.Value) bool { return !seen(f, dispute, v) && !record.Agrees(f, dispute.Value, v) }
	return refused && (edited(notion) || edited(postgres) || dispute.Winner == "" && property.Equal(notion, postgres))
}

// respell replaces the names of renamed options in open conflicts.
func (p *planner) respell(d *decision) {
	if len(p.renames) == 0 {
		return
	}
	for i, o := range d.known.Disputes {
		f, known := p.lens.Kind.Field(o.Field)
		if !known {
			continue
		}
		was := o
		o.Notion = p.lens.RespelledColumn(f, was.Notion, p.renames)
		o.Postgres = p.lens.RespelledColumn(f, was.Postgres, p.renames)
		o.Value = p.lens.RespelledColumn(f, was.Value, p.renames)
		o.Property = p.lens.RespelledProperty(f, was.Property, p.renames)
		o.Shown = p.lens.RespelledProperty(f, was.Shown, p.renames)
		o.Respelled = was.Respelled || !same(was.Shown, o.Shown) || !same(was.Notion, o.Notion) || !same(was.Postgres, o.Postgres) || !same(was.Value, o.Value)
		d.known.Disputes[i] = o
	}
}

// misspelled returns those of a row's values that wait for a person and are options that have other names by now, with these.
func (p *planner) misspelled(trees merge.Trees, rules []merge.Field) record.Fields {
	if len(p.renames) == 0 {
		return nil
	}
	fields := record.Fields{}
	for field := range merge.Make(trees, rules).Waiting {
		v := trees.Postgres.Fields[field]
		if is := p.lens.Respelled(field, v, p.renames); !property.Equal(v, is) {
			fields[field] = is
		}
	}
	return fields
}

// seen reports whether a side has one of the values that the person decided between.
func seen(f mapping.Field, dispute journal.Dispute, v property.Value) bool {
	return record.Agrees(f, dispute.Notion, v) || record.Agrees(f, dispute.Postgres, v) || same(dispute.Notion, record.Column(f, v))
}

// chosen returns the value that a person chose: with all that Notion showed of it, where it was Notion's. Where the page still shows that, it is
// the page's, which may have what could not be stored.
func (p *planner) chosen(d *decision, f mapping.Field, dispute journal.Dispute, shown property.Value) (property.Value, error) {
	if len(dispute.Property) == 0 || string(dispute.Property) == "null" {
		return record.FromColumn(f, dispute.Value, shown)
	}
	if d.page != nil && same(dispute.Property, record.RawProperty(d.page.Document, p.lens.Binding[f.Column].ID)) {
		return shown, nil
	}
	kept, err := property.Decode(dispute.Property)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "the value that conflict %s keeps cannot be read", dispute.ConflictID)
	}
	return kept.Value, nil
}

// waiting returns the plan's conflicts that wait for a person, but for those that wait already as they are.
func (p *planner) waiting(d *decision) []journal.Conflict {
	var news []journal.Conflict
	for _, c := range p.conflicts(d, "") {
		i := slices.IndexFunc(d.known.Disputes, func(o journal.Dispute) bool { return o.Field == c.Field && !o.Decided })
		if i < 0 {
			news = append(news, c)
			continue
		}
		if was := d.known.Disputes[i]; was.Lapsed || !same(was.Notion, c.NotionColumn) || !same(was.Postgres, c.PostgresColumn) {
			c.ID = was.ConflictID
			if was.Lapsed {
				c.Reopens = &was
			}
			news = append(news, c)
		}
	}
	return news
}

// same reports whether what is stored is what storing a value makes of it.
func same(stored, value json.RawMessage) bool {
	return record.SameColumn(mapping.JSONB, stored, record.Keepable(value))
}

// ended returns the disputes that are over: what was decided stands on both sides, or the sides came to agree.
func ended(d *decision, s journal.Settled) []journal.Dispute {
	var over []journal.Dispute
	for _, dispute := range d.known.Disputes {
		if d.err == nil && !s.Keep && !s.Unsettled[dispute.Field] {
			over = append(over, dispute)
		}
	}
	return over
}
