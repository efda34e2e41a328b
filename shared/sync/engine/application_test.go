package engine_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

var (
	transactions    = flag.Int("transactions", 150, "how many transactions of applications run beside syncs")
	applicationSeed = flag.Uint64("transactions.seed", uint64(time.Now().UnixNano()), "what they are drawn from")
)

// TestApplicationsBesideSyncs: applications update drawn rows and relations in drawn order, at drawn offsets, while syncs write the same rows. Each
// has rows of its own, so that whoever is rolled back for a deadlock was rolled back for a lock of ours: nobody is, and nobody waits for us for
// half a second, but for one in a hundred. Afterwards both sides agree, and nothing is left to write.
func TestApplicationsBesideSyncs(t *testing.T) {
	const applications = 8
	w := sidetest.Synced(t, nil, "partners", "projects")
	setOptions(t, w, func(o *notionsim.Options) { o.Budget = 1 << 20 })
	pool, err := pgxpool.New(t.Context(), w.Pool.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	records := map[string][]string{}
	for _, table := range []string{"partners", "projects"} {
		records[table] = sidetest.Query[[]string](t, w, `select array_agg(id::text order by id) from `+table)
	}
	t.Logf("drawn from -transactions.seed=%d", *applicationSeed)
	var done atomic.Int64
	var mu sync.Mutex
	var waits []time.Duration
	var failed []error
	var running sync.WaitGroup
	for a := range applications {
		draw := rand.New(rand.NewPCG(*applicationSeed, uint64(a)))
		running.Go(func() {
			for done.Add(1) <= int64(*transactions) {
				took, err := work(t.Context(), pool, draw, mine(records, a, applications))
				mu.Lock()
				waits = append(waits, took...)
				if err != nil {
					failed = append(failed, err)
				}
				mu.Unlock()
			}
		})
	}
	ended := make(chan struct{})
	go func() { running.Wait(); close(ended) }()
	draw := rand.New(rand.NewPCG(*applicationSeed, applications))
	syncs, written, waited := 0, 0, 0
	for beside := true; beside; {
		select {
		case <-ended:
			beside = false
		default:
			for range 16 {
				kind := []string{"partners", "projects"}[draw.IntN(2)]
				page := sidetest.Query[string](t, w, `select notion_id from notion_`+kind+` where id = $1`, records[kind][draw.IntN(len(records[kind]))])
				name := map[string]string{"partners": "Location", "projects": "Description"}[kind]
				edit(t, w, page, map[string]any{name: rich("rich_text", fmt.Sprint("edit ", draw.IntN(1000)))})
			}
			got := w.Sync(t, []journal.Type{journal.Full, journal.NotionToSupabase, journal.NotionToSupabase}[draw.IntN(3)], "partners", "projects")
			succeeded(t, got)
			syncs, written = syncs+1, written+got.RowsUpdated
			waited += len(status(t, w).Locked)
		}
	}
	slices.Sort(waits)
	at := func(p float64) time.Duration { return waits[int(float64(len(waits)-1)*p)].Round(time.Millisecond) }
	deadlocks := sidetest.Query[int](t, w, `select deadlocks from pg_stat_database where datname = current_database()`)
	t.Logf("%d transactions beside %d syncs that wrote %d rows (%d times a row waited for a lock): %d deadlocks, %d rolled back; statements waited p50 %s, p99 %s, at most %s",
		*transactions, syncs, written, waited, deadlocks, len(failed), at(0.5), at(0.99), at(1))
	if len(failed) > 0 || deadlocks > 0 {
		t.Errorf("%d applications were rolled back, the first for %v", len(failed), errors.Join(failed...))
	}
	if at(0.99) >= 500*time.Millisecond {
		t.Errorf("p99 of their waits is %s", at(0.99))
	}
	if err := w.Starter.Requeue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	succeeded(t, w.Sync(t, journal.Full))
	if got := w.Sync(t, journal.Full); got.RowsUpdated+got.PagesUpdated+got.RowsCreated+got.PagesCreated > 0 {
		t.Errorf("after quiet the second sync still writes: %+v", got)
	}
	w.Agree(t, "partners", "projects")
}

// mine returns the records that are one application's.
func mine(records map[string][]string, application, applications int) map[string][]string {
	own := map[string][]string{}
	for table, ids := range records {
		for i, id := range ids {
			if i%applications == application {
				own[table] = append(own[table], id)
			}
		}
	}
	return own
}

// work does one transaction of an application, and gives how long each of its statements took.
func work(ctx context.Context, pool *pgxpool.Pool, draw *rand.Rand, own map[string][]string) (took []time.Duration, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		for range 2 + draw.IntN(4) {
			table := []string{"partners", "projects"}[draw.IntN(2)]
			id, other := own[table][draw.IntN(len(own[table]))], own["projects"][draw.IntN(len(own["projects"]))]
			sql, args := `update `+table+` set description = $2 where id = $1`, []any{id, fmt.Sprint("application ", draw.IntN(1000))}
			if table == "partners" {
				switch draw.IntN(6) {
				case 0:
					sql, args = `insert into partners_projects (partner_id, project_id) values ($1, $2) on conflict do nothing`, []any{id, other}
				case 1:
					sql, args = `delete from partners_projects where partner_id = $1 and project_id = $2`, []any{id, other}
				case 2:
					sql, args = `select from partners where id = $1 for update`, []any{id}
				}
			}
			began := time.Now()
			_, err := tx.Exec(ctx, sql, args...)
			took = append(took, time.Since(began))
			if err != nil {
				return err
			}
			pauseFor(ctx, time.Duration(draw.IntN(25))*time.Millisecond)
		}
		return nil
	})
	var server *pgconn.PgError
	if errors.As(err, &server) {
		err = fmt.Errorf("%s %s: %s", server.Code, server.Message, server.Detail)
	}
	pauseFor(ctx, time.Duration(draw.IntN(40))*time.Millisecond)
	return took, err
}

func pauseFor(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
