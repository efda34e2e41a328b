package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// TestApprovedIsWhatWasSeen: what came into a hold after somebody looked at it is not approved with it.
func TestApprovedIsWhatWasSeen(t *testing.T) {
	t.Parallel()
	w := guarded(t)
	trash(t, w, "partners", 10)
	succeeded(t, w.Sync(t, journal.Full))
	holds, err := decisions(w).Holds(t.Context())
	if err != nil || len(holds) != 1 || holds[0].Records != 10 {
		t.Fatal(holds, err)
	}
	// A person looks at the ten; meanwhile fifteen more go, by mistake, and a sync sees it.
	trash(t, w, "partners", 25)
	succeeded(t, w.Sync(t, journal.Full))
	_, err = decisions(w).Decide(t.Context(), holds[0].ID, journal.Approved, holds[0].Version, "test", time.Now())
	succeeded(t, w.Sync(t, journal.Full))
	if _, rows := live(t, w, "partners"); rows < 15 {
		t.Errorf("ten deletions were seen and approved (%v), %d rows are left of 25", err, rows)
	}
}

// TestWhatIsTakenBackLeavesItsHold: the hold counts what is still deleted, and whoever saw it before has to look again.
func TestWhatIsTakenBackLeavesItsHold(t *testing.T) {
	t.Parallel()
	w := guarded(t)
	trash(t, w, "partners", 10)
	succeeded(t, w.Sync(t, journal.Full))
	holds, err := decisions(w).Holds(t.Context())
	if err != nil || len(holds) != 1 || holds[0].Records != 10 {
		t.Fatal(holds, err)
	}
	seen := holds[0]
	for _, id := range sidetest.Query[[]string](t, w, `select array_agg(notion_id) from (select notion_id from integration.sync_held_records order by row_id limit 3) r`) {
		w.Person(t, "PATCH", "/v1/pages/"+id, map[string]any{"in_trash": false})
	}
	succeeded(t, w.Sync(t, journal.Full))
	holds, err = decisions(w).Holds(t.Context())
	if err != nil || len(holds) != 1 || holds[0].Records != 7 || holds[0].Version == seen.Version {
		t.Errorf("three of ten were taken back, and it waits: %+v, %v", holds, err)
	}
	if h, err := decisions(w).Decide(t.Context(), seen.ID, journal.Approved, seen.Version, "test", time.Now()); fault.KindOf(err) != fault.Conflict || h.Status != journal.Waiting {
		t.Errorf("approved as it was seen before: %+v, %v", h, err)
	}
	if _, err := decisions(w).Decide(t.Context(), seen.ID, journal.Approved, holds[0].Version, "test", time.Now()); err != nil {
		t.Error(err)
	}
	succeeded(t, w.Sync(t, journal.Full))
	if _, rows := live(t, w, "partners"); rows != 18 {
		t.Errorf("seven deletions of 25 were approved, and %d rows are left", rows)
	}
}

// TestAVerdictIsGoodOnce: a record whose deletion was decided on and taken back is held again when it is deleted again.
func TestAVerdictIsGoodOnce(t *testing.T) {
	t.Parallel()
	for _, verdict := range []journal.Verdict{journal.Approved, journal.Refused} {
		for _, syncBetween := range []bool{false, true} {
			t.Run(fmt.Sprint(verdict, syncBetween), func(t *testing.T) {
				t.Parallel()
				w := guarded(t)
				trash(t, w, "partners", 12)
				succeeded(t, w.Sync(t, journal.Full))
				if verdict == journal.Approved {
					decide(t, w, verdict)
				}
				ids := sidetest.Query[[]string](t, w, `select array_agg(notion_id) from integration.sync_held_records`)
				for _, id := range ids {
					w.Person(t, "PATCH", "/v1/pages/"+id, map[string]any{"in_trash": false})
				}
				if verdict == journal.Refused {
					decide(t, w, verdict)
				}
				if syncBetween {
					succeeded(t, w.Sync(t, journal.Incremental))
				}
				succeeded(t, w.Sync(t, journal.Full))
				if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_held_records`); n != 0 {
					t.Errorf("%d held records are left", n)
				}
				trash(t, w, "partners", 12)
				succeeded(t, w.Sync(t, journal.Full))
				if n := waiting(t, w, merge.Supabase); n != 12 {
					t.Errorf("%d are held the second time", n)
				}
			})
		}
	}
}

// TestTwoDecideADeletion: of two people who decide at once the later one hears that the record is deleted.
func TestTwoDecideADeletion(t *testing.T) {
	t.Parallel()
	w := guarded(t)
	row := sidetest.Query[string](t, w, `select min(id::text) from partners`)
	page := sidetest.Query[string](t, w, `select notion_id from notion_partners where id = $1`, row)
	w.Person(t, "PATCH", "/v1/pages/"+page, map[string]any{"in_trash": true})
	w.Exec(t, `update partners set location = 'Perth' where id = $1`, row)
	succeeded(t, w.Sync(t, journal.Full))
	id := sidetest.Query[string](t, w, `select id::text from integration.sync_conflicts where row_id = $1 and field = ''`, row)
	winner := sidetest.Query[string](t, w, `select winner from integration.sync_conflicts where id = $1`, id)
	loser := map[string]string{"notion": "supabase", "supabase": "notion"}[winner]
	stop, err := w.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stop.Exec(t.Context(), `select from integration.sync_conflicts where id = $1 for update`, id); err != nil {
		t.Fatal(err)
	}
	deletes, keeps := make(chan error, 1), make(chan error, 1)
	waits := func(n int) {
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
			var waiting int
			if err := w.Pool.QueryRow(t.Context(), `select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`).Scan(&waiting); err != nil || waiting >= n {
				return
			}
		}
	}
	go func() {
		_, err := decisions(w).Settle(context.Background(), id, journal.Decision{Keep: merge.Side(loser), By: "one", At: time.Now()})
		deletes <- err
	}()
	waits(1)
	go func() {
		_, err := decisions(w).Settle(context.Background(), id, journal.Decision{Keep: merge.Side(winner), By: "other", At: time.Now()})
		keeps <- err
	}()
	waits(2)
	if err := stop.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	errDeletes, errKeeps := <-deletes, <-keeps
	archived := sidetest.Query[bool](t, w, `select archived_at is not null from partners where id = $1`, row)
	by := sidetest.Query[string](t, w, `select decided_by from integration.sync_conflicts where id = $1`, id)
	if errDeletes == nil && errKeeps == nil && archived {
		t.Errorf("one deletes it, the other keeps it after that, both are told that it is so; decided by %s, archived %v", by, archived)
	}
}
