package engine_test

import (
	"testing"

	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// TestATriggerThatWritesElsewhere: what a trigger of the application does to other rows while the sync writes one is an edit of theirs.
func TestATriggerThatWritesElsewhere(t *testing.T) {
	t.Parallel()
	for name, does := range map[string]string{
		"inserts a row":          `insert into projects (name) values ('By a trigger')`,
		"gives a row another id": `update projects set id = gen_random_uuid() where name = (select min(name) from projects)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sidetest.Synced(t, nil, "partners", "projects")
			w.Exec(t, `create function app() returns trigger language plpgsql as $$ begin `+does+`; return null; end $$`)
			w.Exec(t, `create trigger app after update of location on partners for each row execute function app()`)
			page, _ := someOf(t, w, "partners")
			edit(t, w, page, map[string]any{"Location": rich("rich_text", "Hobart")})
			succeeded(t, w.Sync(t, journal.Full))
			if got := w.Sync(t, journal.Full); got.PagesArchived > 0 {
				t.Errorf("%+v", got)
			}
			w.Agree(t)
		})
	}
}

// TestARowThatIsGivenToAnotherConnection is new there.
func TestARowThatIsGivenToAnotherConnection(t *testing.T) {
	t.Parallel()
	w := sidetest.Synced(t, nil, "projects")
	const other = "00000000-0000-0000-0000-000000000002"
	w.Exec(t, `insert into integration.connections (id, name) values ($1, 'other')`, other)
	_, row := someOf(t, w, "projects")
	w.Exec(t, `update projects set connection_id = $1 where id = $2::text::uuid`, other, row)
	if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_changes where row_id = $1::text::uuid`, row); n != 2 {
		t.Errorf("%d connections are told", n)
	}
}
