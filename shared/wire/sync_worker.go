package wire

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/journal"
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/mapping"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/notionside"
	"github.com/act-platform/enhanced-integration/shared/pgside"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/syncrun"
)

const (
	// leaseTTL is how long a database stays taken after its worker died.
	leaseTTL = 30 * time.Second
	// reserve is how long before the function's limit a run stops and queues its continuation: long enough for a batch.
	reserve = 30 * time.Second
	// writers is how many writes to Notion a worker has under way at once.
	writers = 4
)

// SyncWorker brings a database into step, from a message on the sync queue. Its key is the run and the kind: a message that comes
// again is worked on again, and changes nothing that is done.
func SyncWorker() func(context.Context, lambdaio.Message) error {
	type worker struct {
		*syncrun.Syncer
		budget *notion.Shared
	}
	get := onFirstUse(func(ctx context.Context) (worker, error) {
		p, err := newParts("sync-worker")
		if err != nil {
			return worker{}, err
		}
		pool, err := p.pool(context.WithoutCancel(ctx), 2)
		if err != nil {
			return worker{}, err
		}
		budget := p.budget(func(context.Context) (*pgxpool.Pool, error) { return pool, nil }, false)
		client := p.notion(budget)
		return worker{budget: budget, Syncer: syncrun.New(syncrun.Config{
			Connection: p.connection(),
			Ledger:     postgres.Ledger{Pool: pool, NewID: newID},
			Leases:     postgres.Leases{Pool: pool, TTL: leaseTTL},
			Queue:      p.queue(),
			Notion:     func(k mapping.Kind) syncrun.Notion { return notionside.New(client, k, p.log) },
			Tables:     func(k mapping.Kind) syncrun.Tables { return pgside.New(pool, config.DefaultConnection, k, newID) },
			Now:        time.Now,
			NewID:      newID,
			Log:        p.log,
			Writers:    writers,
			Reserve:    reserve,
		})}, nil
	})
	return func(ctx context.Context, m lambdaio.Message) error {
		var msg journal.Message
		if err := json.Unmarshal([]byte(m.Body), &msg); err != nil {
			return err
		}
		w, err := get(ctx)
		if err != nil {
			return err
		}
		err = w.Work(ctx, msg)
		_ = w.budget.GiveBack(ctx) // else it comes back by itself, later
		return err
	}
}
