package wire

import (
	"context"
	"encoding/json"
	"time"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/journal"
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/mapping"
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
	type made struct {
		*syncrun.Syncer
		gauge *gauge
	}
	get := onFirstUse(func(ctx context.Context) (made, error) {
		p, err := newParts("sync-worker")
		if err != nil {
			return made{}, err
		}
		pool, err := p.pool(context.WithoutCancel(ctx), 2)
		if err != nil {
			return made{}, err
		}
		client := p.notion()
		return made{gauge: p.gauge, Syncer: syncrun.New(syncrun.Config{
			Connection: p.connection(),
			Ledger:     measuredLedger{postgres.Ledger{Pool: pool, NewID: newID}, p.gauge.meter.Observe},
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
		syncer, err := get(ctx)
		if err != nil {
			return err
		}
		defer syncer.gauge.flush(ctx)
		return syncer.Work(ctx, msg)
	}
}
