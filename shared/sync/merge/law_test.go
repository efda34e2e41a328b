package merge_test

import (
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

var lawFields = []merge.Field{
	{Name: "a", Rule: merge.Newest},
	{Name: "b", Rule: merge.NotionWins},
	{Name: "c", Rule: merge.SupabaseWins},
	{Name: "set", Rule: merge.Newest},
	{Name: "computed", Rule: merge.OneWay, Computed: true},
	{Name: "files", Rule: merge.OneWay},
	{Name: "manual", Rule: merge.Manual},
	{Name: "words", Rule: merge.Words},
}

// anyFields draws values of few kinds, so that equal ones are common.
func anyFields(t *rapid.T, label string) record.Fields {
	fields := record.Fields{}
	for _, f := range lawFields {
		switch n := rapid.IntRange(0, 3).Draw(t, label+"."+f.Name); {
		case n == 0: // empty
		case f.Name == "set":
			fields[f.Name] = property.Options(rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"x", "y", "z"}), 1, 3, rapid.ID).Draw(t, label+".options"))
		case f.Name == "words":
			fields[f.Name] = property.Text{{Kind: property.RunText, Text: rapid.StringMatching(`[ab]( [ab]){0,3}`).Draw(t, label+".text")}}
		default:
			fields[f.Name] = property.Number(n)
		}
	}
	return fields
}

func anyTree(t *rapid.T, label string, states ...record.State) record.Tree {
	tree := record.Tree{
		State:    rapid.SampledFrom(states).Draw(t, label),
		EditedAt: minute.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, label+".minute")) * time.Minute),
	}
	if tree.State == record.Live || tree.State == record.Archived {
		tree.Fields = anyFields(t, label)
	}
	return tree
}

func anyTrees(t *rapid.T) merge.Trees {
	trees := merge.Trees{
		Base:     anyTree(t, "base", record.None, record.Live, record.Archived),
		Notion:   anyTree(t, "notion", record.None, record.Live, record.Archived, record.Gone),
		Postgres: anyTree(t, "postgres", record.None, record.Live, record.Archived, record.Gone),
	}
	if trees.Base.State != record.None { // what both had, a side can only have lost
		for _, side := range []*record.Tree{&trees.Notion, &trees.Postgres} {
			if side.State == record.None {
				side.State = record.Gone
			}
		}
	}
	return trees
}

// carryOut does to a side what the plan asks.
func carryOut(tree record.Tree, action merge.Action) record.Tree {
	fields := record.Fields{}
	if action.Op != merge.Create {
		maps.Copy(fields, tree.Fields)
	}
	maps.Copy(fields, action.Fields)
	tree.Fields = fields
	switch action.Op {
	case merge.Create, merge.Restore:
		tree.State = record.Live
	case merge.Archive:
		tree.State = record.Archived
	case merge.Update, merge.Nothing:
	}
	return tree
}

// TestOnePlanIsEnough: once both sides did what the plan asks, they hold the same, and with that as the base there is nothing to do.
func TestOnePlanIsEnough(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		trees := anyTrees(t)
		plan := merge.Make(trees, lawFields)
		notion, postgres := carryOut(trees.Notion, plan.Notion), carryOut(trees.Postgres, plan.Postgres)
		if plan.State == record.None {
			return
		}
		if notion.State.Alive() != postgres.State.Alive() || notion.State.Alive() != plan.State.Alive() {
			t.Fatalf("the plan says %s, Notion is %s, Postgres %s", plan.State, notion.State, postgres.State)
		}
		if !plan.State.Alive() {
			return
		}
		for _, f := range lawFields {
			if plan.Notion.Op == merge.Create && f.Rule == merge.OneWay {
				notion.Fields[f.Name] = postgres.Fields[f.Name] // its answer tells what it has, and the record is planned again
				continue
			}
			if plan.Waiting[f.Name] {
				postgres.Fields[f.Name] = notion.Fields[f.Name]
				continue
			}
			if !property.Equal(notion.Fields[f.Name], postgres.Fields[f.Name]) {
				t.Fatalf("%s: Notion has %v, Postgres %v", f.Name, notion.Fields[f.Name], postgres.Fields[f.Name])
			}
		}
		again := merge.Make(merge.Trees{Base: notion, Notion: notion, Postgres: postgres}, lawFields)
		if !again.Idle() || len(again.Conflicts) > 0 {
			t.Fatalf("not at rest: %+v", again)
		}
	})
}

// TestNothingIsOverwrittenSilently: a value that somebody changed, and that does not stay, stands in a conflict.
func TestNothingIsOverwrittenSilently(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		trees := anyTrees(t)
		plan := merge.Make(trees, lawFields)
		logged := map[string]merge.Conflict{}
		for _, c := range plan.Conflicts {
			logged[c.Field] = c
		}
		check := func(side merge.Side, tree record.Tree, action merge.Action) {
			for field, to := range action.Fields {
				was := tree.Fields[field]
				edited := tree.State != record.Gone && tree.State != record.None && !property.Equal(was, trees.Base.Fields[field])
				if box, ok := was.(property.Checked); ok && !bool(box) || !edited || field == "set" || field == "words" && logged[field].Field == "" || was == nil && trees.Base.State == record.None {
					continue
				}
				c, ok := logged[field]
				if !ok && (side == merge.Supabase || field != "computed") {
					t.Fatalf("%s: %s had %v, gets %v, and no conflict says so", field, side, was, to)
				}
				if ok && !property.Equal(was, map[merge.Side]property.Value{merge.Notion: c.Notion, merge.Supabase: c.Postgres}[side]) {
					t.Fatalf("%s: the conflict keeps another value than %v: %+v", field, was, c)
				}
			}
		}
		check(merge.Notion, trees.Notion, plan.Notion)
		check(merge.Supabase, trees.Postgres, plan.Postgres)
	})
}

// TestDecisionsStand: what a person decided is on both sides, and what a side had that the person did not see stands in a conflict.
func TestDecisionsStand(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		trees := trees(live(anyFields(t, "base")), live(anyFields(t, "notion")), live(anyFields(t, "postgres")))
		value := rapid.SampledFrom([]property.Value{nil, property.Number(1), property.Number(9)}).Draw(t, "value")
		d := merge.Decision{Value: value, NotionSeen: rapid.Bool().Draw(t, "notion seen"), PostgresSeen: rapid.Bool().Draw(t, "postgres seen")}
		trees.Decided = map[string]merge.Decision{"manual": d}
		plan := merge.Make(trees, lawFields)
		if plan.Waiting["manual"] {
			t.Fatal("it waits still")
		}
		kept := map[merge.Side]bool{}
		for _, c := range plan.Conflicts {
			if c.Field == "manual" {
				kept[c.Winner] = true
			}
		}
		n, p := trees.Notion.Fields["manual"], trees.Postgres.Fields["manual"]
		for side, is := range map[merge.Side]property.Value{
			merge.Notion:   carryOut(trees.Notion, plan.Notion).Fields["manual"],
			merge.Supabase: carryOut(trees.Postgres, plan.Postgres).Fields["manual"],
		} {
			if !property.Equal(is, value) {
				t.Fatalf("%s has %v, decided was %v", side, is, value)
			}
		}
		if unseen := !d.NotionSeen && !property.Equal(n, value); unseen != kept[merge.Supabase] {
			t.Fatalf("Notion's %v: lost unseen %t, kept %t", n, unseen, kept[merge.Supabase])
		}
		if unseen := !d.PostgresSeen && !property.Equal(p, value) && !property.Equal(n, p); unseen != kept[merge.Notion] {
			t.Fatalf("Postgres's %v: lost unseen %t, kept %t", p, unseen, kept[merge.Notion])
		}
	})
}

// TestManualTouchesNeither: a field that both sides changed stays as it is on both.
func TestManualTouchesNeither(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base, n, p := anyFields(t, "base"), anyFields(t, "notion"), anyFields(t, "postgres")
		plan := merge.Make(trees(live(base), live(n), live(p)), lawFields)
		both := !property.Equal(n["manual"], base["manual"]) && !property.Equal(p["manual"], base["manual"]) && !property.Equal(n["manual"], p["manual"])
		_, toNotion := plan.Notion.Fields["manual"]
		_, toPostgres := plan.Postgres.Fields["manual"]
		if plan.Waiting["manual"] != both || both && (toNotion || toPostgres) {
			t.Fatalf("both %t, waiting %t, written %t %t", both, plan.Waiting["manual"], toNotion, toPostgres)
		}
	})
}

// TestOneSidedChangesNeverConflict: where only one side was edited there is nothing to settle.
func TestOneSidedChangesNeverConflict(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base, edited := live(anyFields(t, "base")), live(anyFields(t, "edited"))
		if plan := merge.Make(merge.Trees{Base: base, Notion: edited, Postgres: base}, lawFields); len(plan.Conflicts) > 0 || plan.Notion.Op != merge.Nothing {
			t.Fatalf("edited in Notion: %+v", plan)
		}
		edited.Fields["computed"], edited.Fields["files"] = base.Fields["computed"], base.Fields["files"] // pass one way
		if plan := merge.Make(merge.Trees{Base: base, Notion: base, Postgres: edited}, lawFields); len(plan.Conflicts) > 0 || plan.Postgres.Op != merge.Nothing {
			t.Fatalf("edited in Postgres: %+v", plan)
		}
	})
}

// TestSetsKeepEveryAdditionAndRemoval holds the merge of sets against its definition.
func TestSetsKeepEveryAdditionAndRemoval(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) []string {
			return rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"1", "2", "3", "4", "5"}), 0, 5, rapid.ID).Draw(t, label)
		}
		base, notion, postgres := draw("base"), draw("notion"), draw("postgres")
		tree := func(list []string) record.Tree {
			if len(list) == 0 {
				return live(record.Fields{})
			}
			return live(record.Fields{"set": property.Options(list)})
		}
		trees := merge.Trees{Base: tree(base), Notion: tree(notion), Postgres: tree(postgres)}
		plan := merge.Make(trees, lawFields)
		got, _ := carryOut(trees.Notion, plan.Notion).Fields["set"].(property.Options)
		has := func(list []string, s string) bool {
			for _, e := range list {
				if e == s {
					return true
				}
			}
			return false
		}
		for _, s := range []string{"1", "2", "3", "4", "5"} {
			want := has(notion, s) && has(postgres, s) || has(notion, s) != has(postgres, s) && !has(base, s)
			if has(got, s) != want {
				t.Fatalf("%s: base %v, notion %v, postgres %v give %v", s, base, notion, postgres, got)
			}
		}
	})
}
