// Package merge is the three-tree planner: from what both sides show of a record, and what both are known to have had, it
// says what each side has to change, and which values lose. It is a pure function: no clock, no I/O, and the same trees
// give the same plan.
//
// The rules, each of which a test holds:
//   - A field that one side changed passes to the other; it is never a conflict.
//   - Fields that both changed alike agree. Sets (options, people, relations) take both sides' additions and removals.
//   - Any other field that both changed goes by its Rule, and the losing value stands whole in a Conflict.
//   - What a person decided stands, whatever the Rule; edits that the person had not seen stand in a Conflict.
//   - A deletion passes to the other side, unless that side edited the record meanwhile: the edit wins, the record returns,
//     a Conflict says so, and where both had changed a field the value of the side that kept the record stays.
package merge

import (
	"cmp"
	"maps"

	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// Side names one of the two sides.
type Side string

// The two sides.
const (
	Notion   Side = "notion"
	Supabase Side = "supabase"
)

// Rule says which side's value stays when both changed a field.
type Rule string

// The rules.
const (
	Newest       Rule = "newest"   // the later edit of the record; Notion's within one minute, which is as exact as Notion tells
	NotionWins   Rule = "notion"   // Notion's value
	SupabaseWins Rule = "supabase" // Postgres's value
	Manual       Rule = "manual"   // neither: both keep what they have until a person decides
	Words        Rule = "words"    // of texts, both sides' edits where they are of different words; else the newest
	OneWay       Rule = "one_way"  // Notion's value, even where only Postgres changed: a formula, a file, a creation time
	EditReturns  Rule = "edit_over_delete"
	Decided      Rule = "decided" // the value that a person decided on
)

// Field is a field that is in step.
type Field struct {
	Name     string
	Rule     Rule
	Computed bool // by Notion: a change is nobody's edit
	// Waits: one side cannot hold the other's value, and neither is written. Who changed it has edited the record all the same.
	Waits bool
}

// Trees are the three trees of one record. A side that nobody looked at is given as base has it.
type Trees struct {
	Base, Notion, Postgres record.Tree
	Decided                map[string]Decision // by field
}

// Decision is the value that a person chose for both sides.
type Decision struct {
	Value property.Value // nil clears
	// NotionSeen and PostgresSeen: the side has a value that the person saw, and loses it knowingly.
	NotionSeen, PostgresSeen bool
}

// Op is what a side has to do with a record.
type Op string

// The operations.
const (
	Nothing Op = ""
	Create  Op = "create"
	Update  Op = "update"
	Archive Op = "archive"
	Restore Op = "restore" // with fields, when some changed as well
)

// Action is what one side has to do.
type Action struct {
	Op     Op
	Fields record.Fields // to be written; a nil value clears
}

// With returns the action with other fields that are to be written as well, where the record stays.
func (a Action) With(others record.Fields) Action {
	if len(others) == 0 || a.Op == Archive {
		return a
	}
	fields := maps.Clone(others)
	maps.Copy(fields, a.Fields)
	return Action{Op: cmp.Or(a.Op, Update), Fields: fields}
}

// Conflict is a value that lost, or a deletion that an edit outlived (Field is ""). Without a Winner, none has lost yet.
type Conflict struct {
	Field                  string
	Rule                   Rule
	Winner                 Side
	Base, Notion, Postgres property.Value
}

// Plan is what both sides have to do to hold the same record.
type Plan struct {
	State            record.State // where the record stands once it is done; None: there is nothing to keep
	Notion, Postgres Action
	Conflicts        []Conflict      // by field
	Waiting          map[string]bool // fields in which the sides differ until a person decides
}

// Idle reports whether neither side has anything to do.
func (p Plan) Idle() bool { return p.Notion.Op == Nothing && p.Postgres.Op == Nothing }

// Make plans one record. fields are those in step, in any order.
func Make(t Trees, fields []Field) Plan {
	notion, postgres := t.Notion.State.Alive(), t.Postgres.State.Alive()
	switch {
	case notion && postgres:
		return t.keep(fields, "")
	case notion && t.Base.State == record.Live && !t.edited(Notion, fields):
		return Plan{State: record.Archived, Notion: Action{Op: Archive}}
	case postgres && t.Base.State == record.Live && !t.edited(Supabase, fields):
		return Plan{State: record.Archived, Postgres: Action{Op: Archive}}
	case notion:
		return t.outlive(fields, Notion)
	case postgres:
		return t.outlive(fields, Supabase)
	case t.Base.State == record.None:
		return Plan{}
	default:
		return Plan{State: record.Archived}
	}
}

// outlive plans a record that lives on one side and has to return, or appear, on the other.
func (t Trees) outlive(fields []Field, on Side) Plan {
	if t.Base.State != record.Live {
		return t.keep(fields, "")
	}
	plan := t.keep(fields, on)
	lost := Conflict{Rule: EditReturns, Winner: on}
	plan.Conflicts = append([]Conflict{lost}, plan.Conflicts...)
	return plan
}

// keep plans a record that is to live on both sides. survivor is the side that kept it while the other deleted it, "" when neither
// did.
func (t Trees) keep(fields []Field, survivor Side) Plan {
	plan := Plan{State: record.Live}
	base, notion, postgres := t.Base.Fields, present(t.Notion, t.Base), present(t.Postgres, t.Base)
	toNotion, toPostgres := record.Fields{}, record.Fields{}
	for _, f := range sorted(fields) {
		if f.Waits {
			continue
		}
		v := values{base[f.Name], notion[f.Name], postgres[f.Name]}
		merged, conflicts := t.merge(f, v, survivor)
		plan.Conflicts = append(plan.Conflicts, conflicts...)
		if len(conflicts) > 0 && conflicts[0].Winner == "" {
			if plan.Waiting == nil {
				plan.Waiting = map[string]bool{}
			}
			plan.Waiting[f.Name] = true
			continue
		}
		if f.Rule != OneWay && !property.Equal(merged, shown(t.Notion, f.Name)) {
			toNotion[f.Name] = merged
		}
		if !property.Equal(merged, shown(t.Postgres, f.Name)) {
			toPostgres[f.Name] = merged
		}
	}
	plan.Notion = action(t.Notion.State, toNotion)
	plan.Postgres = action(t.Postgres.State, toPostgres)
	return plan
}

// merge returns the value of a field that both sides are to hold, and what had to lose.
func (t Trees) merge(f Field, v values, survivor Side) (property.Value, []Conflict) {
	if d, ok := t.Decided[f.Name]; ok {
		return d.Value, v.overruled(f.Name, d)
	}
	winner, rule := t.winner(f, survivor)
	merged, conflict := v.merge(f, winner, rule)
	if conflict == nil {
		return merged, nil
	}
	return merged, []Conflict{*conflict}
}

// winner returns the side whose value of a field stays when both changed it, none where that is a person's to say, and by which rule.
func (t Trees) winner(f Field, survivor Side) (Side, Rule) {
	switch {
	case survivor != "":
		return survivor, EditReturns
	case f.Rule == Manual:
		return "", f.Rule
	case f.Rule == SupabaseWins, (f.Rule == Newest || f.Rule == Words) && laterInPostgres(t.Notion.EditedAt, t.Postgres.EditedAt):
		return Supabase, f.Rule
	}
	return Notion, f.Rule
}

// present returns the values that a side's tree stands for in the merge: its own, or the base's where the side has none.
func present(side, base record.Tree) record.Fields {
	if side.State == record.None || side.State == record.Gone {
		return base.Fields
	}
	return side.Fields
}

// shown returns the value that a side shows now; nothing where the record has to be created.
func shown(side record.Tree, field string) property.Value {
	if side.State == record.None || side.State == record.Gone {
		return nil
	}
	return side.Fields[field]
}

func action(at record.State, fields record.Fields) Action {
	switch {
	case at == record.None || at == record.Gone:
		return Action{Op: Create, Fields: fields}
	case at == record.Archived:
		return Action{Op: Restore, Fields: fields}
	case len(fields) > 0:
		return Action{Op: Update, Fields: fields}
	}
	return Action{}
}

// edited reports whether somebody changed the record on that side. What Notion computes moves by itself and is nobody's edit; what a row
// has of a field that passes one way would not come to Notion with the record. Neither is a field of which the base does not know what
// both had, as where its property was taken away and put back.
func (t Trees) edited(on Side, fields []Field) bool {
	side := t.Notion
	if on == Supabase {
		side = t.Postgres
	}
	for _, f := range fields {
		if f.Computed || f.Rule == OneWay && on == Supabase {
			continue
		}
		known, is := t.Base.Fields[f.Name]
		if v := (values{base: known}); is && v.changed(side.Fields[f.Name]) {
			return true
		}
	}
	return false
}
