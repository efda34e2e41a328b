package merge_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// The time of an edit in Notion, as Notion tells it, and times in Postgres around it.
var (
	minute = time.Date(2026, 11, 23, 10, 5, 0, 0, time.UTC)
	before = minute.Add(-time.Second)
	within = minute.Add(59 * time.Second)
	after  = minute.Add(time.Minute)
	newest = []merge.Field{
		{Name: "name", Rule: merge.Newest},
		{Name: "tags", Rule: merge.Newest},
		{Name: "score", Rule: merge.OneWay, Computed: true},
		{Name: "files", Rule: merge.OneWay},
	}
)

func line(s string) property.Value     { return property.Line(s) }
func tags(s ...string) property.Value  { return property.Options(s) }
func name(s string) record.Fields      { return record.Fields{"name": line(s)} }
func gone(f record.Fields) record.Tree { return record.Tree{State: record.Gone, Fields: f} }
func live(f record.Fields) record.Tree { return record.Tree{State: record.Live, Fields: f} }
func dead(f record.Fields) record.Tree { return record.Tree{State: record.Archived, Fields: f} }
func at(t record.Tree, edited time.Time) record.Tree {
	t.EditedAt = edited
	return t
}

func write(op merge.Op, f record.Fields) merge.Action { return merge.Action{Op: op, Fields: f} }

func lost(field string, rule merge.Rule, winner merge.Side, base, notion, postgres property.Value) merge.Conflict {
	return merge.Conflict{Field: field, Rule: rule, Winner: winner, Base: base, Notion: notion, Postgres: postgres}
}

func trees(base, notion, postgres record.Tree) merge.Trees {
	return merge.Trees{Base: base, Notion: notion, Postgres: postgres}
}

func TestMake(t *testing.T) {
	t.Parallel()
	both := func(rule merge.Rule) []merge.Field { return []merge.Field{{Name: "name", Rule: rule}} }
	cases := []struct {
		name   string
		trees  merge.Trees
		fields []merge.Field
		want   merge.Plan
	}{
		{
			"nobody has it", merge.Trees{}, newest, merge.Plan{},
		}, {
			"all the same", merge.Trees{Base: live(name("a")), Notion: live(name("a")), Postgres: live(name("a"))}, newest, merge.Plan{State: record.Live},
		}, {
			"new in Notion",
			merge.Trees{Notion: live(name("a"))},
			newest,
			merge.Plan{State: record.Live, Postgres: write(merge.Create, name("a"))},
		}, {
			"new in Postgres",
			merge.Trees{Postgres: live(name("a"))},
			newest,
			merge.Plan{State: record.Live, Notion: write(merge.Create, name("a"))},
		}, {
			"new in Postgres with what only Notion computes: the value loses, and is kept",
			merge.Trees{Postgres: live(record.Fields{"name": line("a"), "score": property.Opaque("1")})},
			newest,
			merge.Plan{
				State: record.Live, Notion: write(merge.Create, name("a")),
				Postgres:  write(merge.Update, record.Fields{"score": nil}),
				Conflicts: []merge.Conflict{lost("score", merge.OneWay, merge.Notion, nil, nil, property.Opaque("1"))},
			},
		}, {
			"in Notion's trash and never seen", merge.Trees{Notion: dead(name("a"))}, newest, merge.Plan{},
		}, {
			"an archived row that never had a page", merge.Trees{Postgres: dead(name("a"))}, newest, merge.Plan{},
		}, {
			"changed in Notion",
			trees(live(name("a")), live(name("b")), live(name("a"))),
			newest,
			merge.Plan{State: record.Live, Postgres: write(merge.Update, name("b"))},
		}, {
			"changed in Postgres",
			trees(live(name("a")), live(name("a")), live(name("b"))),
			newest,
			merge.Plan{State: record.Live, Notion: write(merge.Update, name("b"))},
		}, {
			"cleared in Notion",
			trees(live(name("a")), live(record.Fields{}), live(name("a"))),
			newest,
			merge.Plan{State: record.Live, Postgres: write(merge.Update, record.Fields{"name": nil})},
		}, {
			"cleared in Postgres",
			trees(live(name("a")), live(name("a")), live(record.Fields{})),
			newest,
			merge.Plan{State: record.Live, Notion: write(merge.Update, record.Fields{"name": nil})},
		}, {
			"changed alike on both sides", trees(live(name("a")), live(name("b")), live(name("b"))), newest, merge.Plan{State: record.Live},
		}, {
			"different fields on both sides",
			trees(
				live(record.Fields{"name": line("a"), "tags": tags("x")}),
				live(record.Fields{"name": line("b"), "tags": tags("x")}),
				live(record.Fields{"name": line("a"), "tags": tags("x", "y")}),
			),
			newest,
			merge.Plan{
				State: record.Live, Notion: write(merge.Update, record.Fields{"tags": tags("x", "y")}),
				Postgres: write(merge.Update, name("b")),
			},
		}, {
			"the same field, Postgres later",
			trees(live(name("a")), at(live(name("n")), minute), at(live(name("p")), after)),
			newest,
			merge.Plan{
				State: record.Live, Notion: write(merge.Update, name("p")),
				Conflicts: []merge.Conflict{lost("name", merge.Newest, merge.Supabase, line("a"), line("n"), line("p"))},
			},
		}, {
			"the same field in one minute: Notion's, which tells no more than the minute",
			trees(live(name("a")), at(live(name("n")), minute), at(live(name("p")), within)),
			newest,
			merge.Plan{
				State: record.Live, Postgres: write(merge.Update, name("n")),
				Conflicts: []merge.Conflict{lost("name", merge.Newest, merge.Notion, line("a"), line("n"), line("p"))},
			},
		}, {
			"the same field, Notion later",
			trees(live(name("a")), at(live(name("n")), minute), at(live(name("p")), before)),
			newest,
			merge.Plan{
				State: record.Live, Postgres: write(merge.Update, name("n")),
				Conflicts: []merge.Conflict{lost("name", merge.Newest, merge.Notion, line("a"), line("n"), line("p"))},
			},
		}, {
			"the same field, Notion always",
			trees(live(name("a")), at(live(name("n")), minute), at(live(name("p")), after)),
			both(merge.NotionWins),
			merge.Plan{
				State: record.Live, Postgres: write(merge.Update, name("n")),
				Conflicts: []merge.Conflict{lost("name", merge.NotionWins, merge.Notion, line("a"), line("n"), line("p"))},
			},
		}, {
			"the same field, Supabase always",
			trees(live(name("a")), at(live(name("n")), minute), at(live(name("p")), before)),
			both(merge.SupabaseWins),
			merge.Plan{
				State: record.Live, Notion: write(merge.Update, name("p")),
				Conflicts: []merge.Conflict{lost("name", merge.SupabaseWins, merge.Supabase, line("a"), line("n"), line("p"))},
			},
		}, {
			"a set changed on both sides takes all additions and removals",
			trees(
				live(record.Fields{"tags": tags("a", "b", "c")}),
				live(record.Fields{"tags": tags("n", "a", "b")}),
				live(record.Fields{"tags": tags("b", "c", "p")}),
			),
			newest,
			merge.Plan{
				State: record.Live, Notion: write(merge.Update, record.Fields{"tags": tags("n", "b", "p")}),
				Postgres: write(merge.Update, record.Fields{"tags": tags("n", "b", "p")}),
			},
		}, {
			"a set emptied between the two of them is empty",
			trees(
				live(record.Fields{"tags": tags("a", "b")}), live(record.Fields{"tags": tags("a")}), live(record.Fields{"tags": tags("b")}),
			),
			newest,
			merge.Plan{
				State: record.Live, Notion: write(merge.Update, record.Fields{"tags": nil}),
				Postgres: write(merge.Update, record.Fields{"tags": nil}),
			},
		}, {
			"what Notion computes was changed in Postgres: it is put back, and the value kept",
			trees(
				live(record.Fields{"score": property.Opaque("1")}), live(record.Fields{"score": property.Opaque("1")}),
				live(record.Fields{"score": property.Opaque("9")}),
			),
			newest,
			merge.Plan{
				State: record.Live, Postgres: write(merge.Update, record.Fields{"score": property.Opaque("1")}),
				Conflicts: []merge.Conflict{lost("score", merge.OneWay, merge.Notion, property.Opaque("1"), property.Opaque("1"), property.Opaque("9"))},
			},
		}, {
			"trashed in Notion",
			trees(live(name("a")), dead(name("a")), live(name("a"))),
			newest,
			merge.Plan{State: record.Archived, Postgres: write(merge.Archive, nil)},
		}, {
			"deleted for good in Notion",
			trees(live(name("a")), gone(nil), live(name("a"))),
			newest,
			merge.Plan{State: record.Archived, Postgres: write(merge.Archive, nil)},
		}, {
			"row deleted",
			trees(live(name("a")), live(name("a")), gone(nil)),
			newest,
			merge.Plan{State: record.Archived, Notion: write(merge.Archive, nil)},
		}, {
			"row archived",
			trees(live(name("a")), live(name("a")), dead(name("a"))),
			newest,
			merge.Plan{State: record.Archived, Notion: write(merge.Archive, nil)},
		}, {
			"row deleted, while what Notion computes moved by itself",
			trees(
				live(record.Fields{"name": line("a"), "score": property.Opaque("1")}),
				live(record.Fields{"name": line("a"), "score": property.Opaque("2")}), gone(nil),
			),
			newest,
			merge.Plan{State: record.Archived, Notion: write(merge.Archive, nil)},
		}, {
			"row deleted, while a person put a file onto the page, which passes one way: the edit wins",
			trees(
				live(record.Fields{"name": line("a"), "files": nil}), live(record.Fields{"name": line("a"), "files": property.Files{{Name: "f"}}}), gone(nil),
			),
			newest,
			merge.Plan{
				State: record.Live, Postgres: write(merge.Create, record.Fields{"name": line("a"), "files": property.Files{{Name: "f"}}}),
				Conflicts: []merge.Conflict{{Rule: merge.EditReturns, Winner: merge.Notion}},
			},
		}, {
			"page trashed, while the row was given a file, which would not come to Notion with it",
			trees(
				live(record.Fields{"name": line("a"), "files": nil}), dead(record.Fields{"name": line("a")}), live(record.Fields{"name": line("a"), "files": property.Opaque("[1]")}),
			),
			newest,
			merge.Plan{State: record.Archived, Postgres: write(merge.Archive, nil)},
		}, {
			"deleted on both sides", trees(live(name("a")), dead(name("a")), gone(nil)), newest, merge.Plan{State: record.Archived},
		}, {
			"row deleted, page edited: the edit wins and the row returns",
			trees(live(name("a")), live(name("b")), gone(nil)),
			newest,
			merge.Plan{
				State: record.Live, Postgres: write(merge.Create, name("b")),
				Conflicts: []merge.Conflict{{Rule: merge.EditReturns, Winner: merge.Notion}},
			},
		}, {
			"row archived and edited, page edited elsewhere: both edits survive",
			trees(
				live(record.Fields{"name": line("a"), "tags": tags("x")}), live(record.Fields{"name": line("b"), "tags": tags("x")}),
				dead(record.Fields{"name": line("a"), "tags": tags("y")}),
			),
			newest,
			merge.Plan{
				State: record.Live, Notion: write(merge.Update, record.Fields{"tags": tags("y")}), Postgres: write(merge.Restore, name("b")),
				Conflicts: []merge.Conflict{{Rule: merge.EditReturns, Winner: merge.Notion}},
			},
		}, {
			"row archived after an edit of the same field: the value of the side that kept the record stays",
			trees(live(name("a")), at(live(name("n")), minute), at(dead(name("p")), after)),
			newest,
			merge.Plan{
				State: record.Live, Postgres: write(merge.Restore, name("n")),
				Conflicts: []merge.Conflict{
					{Rule: merge.EditReturns, Winner: merge.Notion},
					lost("name", merge.EditReturns, merge.Notion, line("a"), line("n"), line("p")),
				},
			},
		}, {
			"page trashed, row edited: the edit wins and the page returns",
			trees(live(name("a")), dead(name("a")), live(name("b"))),
			newest,
			merge.Plan{
				State: record.Live, Notion: write(merge.Restore, name("b")),
				Conflicts: []merge.Conflict{{Rule: merge.EditReturns, Winner: merge.Supabase}},
			},
		}, {
			"page deleted for good, row edited: the page is made anew, whole",
			trees(
				live(record.Fields{"name": line("a"), "tags": tags("x")}), gone(nil), live(record.Fields{"name": line("b"), "tags": tags("x")}),
			),
			newest,
			merge.Plan{
				State: record.Live, Notion: write(merge.Create, record.Fields{"name": line("b"), "tags": tags("x")}),
				Conflicts: []merge.Conflict{{Rule: merge.EditReturns, Winner: merge.Supabase}},
			},
		}, {
			"restored in Notion",
			trees(dead(name("a")), live(name("b")), dead(name("a"))),
			newest,
			merge.Plan{State: record.Live, Postgres: write(merge.Restore, name("b"))},
		}, {
			"restored in Notion, the row gone",
			trees(dead(name("a")), live(name("a")), gone(nil)),
			newest,
			merge.Plan{State: record.Live, Postgres: write(merge.Create, name("a"))},
		}, {
			"restored in Postgres",
			trees(dead(name("a")), dead(name("a")), live(name("b"))),
			newest,
			merge.Plan{State: record.Live, Notion: write(merge.Restore, name("b"))},
		}, {
			"restored on both sides",
			trees(dead(name("a")), live(name("a")), live(name("b"))),
			newest,
			merge.Plan{State: record.Live, Notion: write(merge.Update, name("b"))},
		}, {
			"met for the first time, each with what the other lacks",
			merge.Trees{Notion: live(name("a")), Postgres: live(record.Fields{"tags": tags("x")})},
			newest,
			merge.Plan{
				State: record.Live, Notion: write(merge.Update, record.Fields{"tags": tags("x")}), Postgres: write(merge.Update, name("a")),
			},
		}, {
			"met for the first time, a box checked on one side only",
			merge.Trees{
				Notion:   live(record.Fields{"name": property.Checked(false)}),
				Postgres: live(record.Fields{"name": property.Checked(true)}),
			},
			newest,
			merge.Plan{State: record.Live, Notion: write(merge.Update, record.Fields{"name": property.Checked(true)})},
		}, {
			"met for the first time, different",
			merge.Trees{Notion: at(live(name("n")), minute), Postgres: at(live(name("p")), after)},
			newest,
			merge.Plan{
				State: record.Live, Notion: write(merge.Update, name("p")),
				Conflicts: []merge.Conflict{lost("name", merge.Newest, merge.Supabase, nil, line("n"), line("p"))},
			},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, merge.Make(c.trees, c.fields)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
