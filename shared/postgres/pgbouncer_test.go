//go:build pooler

package postgres_test

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/act-platform/enhanced-integration/infra/local/pgbouncer"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// TestEightClients: eight clients of PgBouncer with three server connections send 8,000 statements with arguments that tell them apart, with
// an ALTER TABLE and a restart of the pooler midway. What fails is fault.Unavailable, and is asked again.
func TestEightClients(t *testing.T) {
	const clients, each = 8, 1000
	direct := pgtest.URL(t)
	pooler, err := pgbouncer.Start(t.Context(), direct)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pooler.Stop)
	owner, err := pgx.Connect(t.Context(), direct)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.Background())
	if _, err := owner.Exec(t.Context(), `create table things (id int primary key, n int, w text);
		insert into things select n, n, n::text from generate_series(0, 7999) n`); err != nil {
		t.Fatal(err)
	}
	var asked, again, right, wrong atomic.Int64
	quarter, half := make(chan struct{}), make(chan struct{})
	var together errgroup.Group
	for client := range clients {
		pool := open(t, pooler.URL(direct))
		together.Go(func() error {
			for n := range each {
				id := client*each + n
				want := fmt.Sprintf("%d %d", client, id)
				for {
					var got string
					err := ask(t.Context(), pool, client, id, &got)
					if err == nil && got == want {
						right.Add(1)
						break
					}
					if err == nil {
						wrong.Add(1)
						t.Errorf("got %s, not %s", got, want)
						break
					}
					if fault.KindOf(postgres.Fault(err)) != fault.Unavailable {
						return fmt.Errorf("client %d: %w", client, err)
					}
					again.Add(1)
				}
				switch asked.Add(1) {
				case clients * each / 4:
					close(quarter)
				case clients * each / 2:
					close(half)
				}
			}
			return nil
		})
	}
	var altered, restarted time.Duration
	together.Go(func() error {
		<-quarter
		began := time.Now()
		_, err := owner.Exec(t.Context(), `alter table things alter n type text, alter w type int using w::int, add extra text`)
		altered = time.Since(began)
		return err
	})
	together.Go(func() error {
		<-half
		began := time.Now()
		err := pooler.Restart(t.Context())
		restarted = time.Since(began)
		return err
	})
	if err := together.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d clients, %d statements: %d right, %d another's, %d asked again; ALTER TABLE %v, restart %v",
		clients, clients*each, right.Load(), wrong.Load(), again.Load(), altered.Round(time.Millisecond), restarted.Round(time.Millisecond))
	if right.Load() != clients*each || altered == 0 || restarted == 0 {
		t.Error("not all is right")
	}

	// That it would be seen if it were wrong.
	r, w, failed := crossTalk(t, pooler.URL(direct), clients, 100, describeExec)
	t.Logf("describe_exec, put back: of 800 answers %d right, %d another's, %d errors", r, w, failed)
	if w+failed == 0 {
		t.Error("describe_exec did no harm, so this shows nothing")
	}
}

// ask asks one of four statements, one after the other: alone, in a transaction, in a batch, as a write.
func ask(ctx context.Context, pool *postgres.Pool, client, id int, into *string) error {
	switch text := fmt.Sprintf("%d ", client); id % 4 {
	case 0:
		return pool.QueryRow(ctx, fmt.Sprintf(`select '%s' || $1`, text), strconv.Itoa(id)).Scan(into)
	case 1:
		return pool.InTx(ctx, func(tx pgx.Tx) error {
			return tx.QueryRow(ctx, `select $1 || n::text from things where id = $2`, text, id).Scan(into)
		})
	case 2:
		return pool.InTx(ctx, func(tx pgx.Tx) error {
			b := &pgx.Batch{}
			b.Queue(`select $1::int`, client)
			b.Queue(`select $1 || w::text from things where id = $2`, text, id).QueryRow(func(row pgx.Row) error { return row.Scan(into) })
			return tx.SendBatch(ctx, b).Close()
		})
	default:
		return pool.QueryRow(ctx, `update things set n = n where id = $1 returning $2::text || n::text`, id, text).Scan(into)
	}
}
