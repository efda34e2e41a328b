package engine_test

import (
	"testing"

	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// oneThing makes a page as a person, and syncs it.
func oneThing(t *testing.T, w *sidetest.World, column string) (page string) {
	t.Helper()
	page = newThing(t, w, map[string]any{"Name": rich("title", "One"), column: rich("rich_text", "first")})
	succeeded(t, w.Sync(t, journal.Full))
	return page
}

// editedInTurn edits a thing on one side, then on the other, and checks that both take it.
func editedInTurn(t *testing.T, w *sidetest.World, page, column string) {
	t.Helper()
	edit(t, w, page, map[string]any{column: rich("rich_text", "second")})
	succeeded(t, w.Sync(t, journal.Full))
	w.Agree(t)
	w.Exec(t, `update things set `+column+` = 'third'`)
	succeeded(t, w.Sync(t, journal.Full))
	w.Agree(t)
}

// TestColumnsThatAreCalledAsWhatStatementsUse are columns like any other.
func TestColumnsThatAreCalledAsWhatStatementsUse(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"version", "op", "changes", "v"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := columned(t, `select 1`, []column{{name, property.TypeRichText, "text", ""}})
			editedInTurn(t, w, oneThing(t, w, name), name)
		})
	}
}

// TestAPartitionedTable is kept in step as any other is.
func TestAPartitionedTable(t *testing.T) {
	t.Parallel()
	w := columned(t, `select 1`, []column{{"words", property.TypeRichText, "text", ""}})
	for _, statement := range []string{
		`alter table things rename to whole`, `drop trigger note_sync_change on whole`, `drop trigger note_sync_truncate on whole`, `drop table notion_things`,
		`create table things (like whole including all) partition by hash (id)`,
		`create table things_0 partition of things for values with (modulus 2, remainder 0)`, `create table things_1 partition of things for values with (modulus 2, remainder 1)`,
		`call integration.keep_in_step('things', 'things', 'notion_things')`,
	} {
		w.Exec(t, statement)
	}
	editedInTurn(t, w, oneThing(t, w, "words"), "words")
}
