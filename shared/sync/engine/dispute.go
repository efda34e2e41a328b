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
// read waits.
func (p *planner) decided(d *decision, notion, postgres record.Tree) map[string]merge.Decision {
	var decided map[string]merge.Decision
	for _, f := range p.lens.Fields() {
		for _, dispute := range d.known.Disputes {
			if dispute.Field != f.Column || !dispute.Decided {
				continue
			}
			value, err := chosen(f, dispute, notion.Fields[f.Column])
			if err != nil {
				p.wait(d, f, merge.Supabase, err)
				continue
			}
			if decided == nil {
				decided = map[string]merge.Decision{}
			}
			decided[f.Column] = merge.Decision{
				Value:        value,
				NotionSeen:   seen(f, dispute, notion.Fields[f.Column]),
				PostgresSeen: seen(f, dispute, postgres.Fields[f.Column]),
			}
		}
	}
	return decided
}

// seen reports whether a side has one of the values that the person decided between.
func seen(f mapping.Field, dispute journal.Dispute, v property.Value) bool {
	return record.Agrees(f, dispute.Notion, v) || record.Agrees(f, dispute.Postgres, v)
}

// chosen returns the value that a person chose: with all that Notion showed of it, where it was Notion's.
func chosen(f mapping.Field, dispute journal.Dispute, shown property.Value) (property.Value, error) {
	if len(dispute.Property) == 0 || string(dispute.Property) == "null" {
		return record.FromColumn(f, dispute.Value, shown)
	}
	p, err := property.Decode(dispute.Property)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "the value that conflict %s keeps cannot be read", dispute.ConflictID)
	}
	return p.Value, nil
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
		if was := d.known.Disputes[i]; !same(was.Notion, c.NotionColumn) || !same(was.Postgres, c.PostgresColumn) {
			c.ID = was.ConflictID
			news = append(news, c)
		}
	}
	return news
}

func same(a, b json.RawMessage) bool { return record.SameColumn(mapping.JSONB, a, b) }

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
