package wire

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/journal"
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/mapping"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/notionside"
	"github.com/act-platform/enhanced-integration/shared/pgside"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/setting"
	"github.com/act-platform/enhanced-integration/shared/syncrun"
	"github.com/act-platform/enhanced-integration/shared/trace"
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
		everywhere
		runs, looks *made[connectionSyncer]
	}
	return function("sync-worker", trace.Consumer, func(ctx context.Context, p parts) (worker, error) {
		all, err := forMessages(2)(ctx, p)
		return worker{all, all.syncers(false), all.syncers(true)}, err
	}, func(ctx context.Context, all worker, m lambdaio.Message) error {
		var msg journal.Message
		if err := json.Unmarshal([]byte(m.Body), &msg); err != nil {
			return err
		}
		settings, err := all.settingsOf(ctx, msg)
		if err != nil {
			return err
		}
		p := all.of(settings)
		syncer := all.runs.of(p)
		if msg.Look {
			syncer = all.looks.of(p)
		}
		err = syncer.Work(p.onBehalf(ctx), msg)
		_ = syncer.budget.GiveBack(ctx) // else it comes back by itself, later
		return err
	})
}

// connectionSyncer is a connection's syncer, and what it spends from.
type connectionSyncer struct {
	*syncrun.Syncer
	budget *notion.Shared
}

// syncers makes syncers for runs, or for looks: somebody has just edited what a look is at, and waits for no backfill of another database.
func (e everywhere) syncers(looks bool) *made[connectionSyncer] {
	return &made[connectionSyncer]{create: func(p parts) connectionSyncer { return p.syncer(e.db, looks) }}
}

// settingsOf gives the settings of a message's connection.
func (e everywhere) settingsOf(ctx context.Context, m journal.Message) (setting.Settings, error) {
	if m.Look {
		return postgres.Settings{Pool: e.db}.Read(ctx, m.ConnectionID)
	}
	return postgres.Settings{Pool: e.db}.OfRun(ctx, m.RunID)
}

func (p parts) syncer(pool *pgxpool.Pool, interactive bool) connectionSyncer {
	connection, budget, relay := p.connection(), p.budget(interactive), p.nudger()
	client := p.notion(p.renewing(pool), budget)
	return connectionSyncer{budget: budget, Syncer: syncrun.New(syncrun.Config{
		Connection: connection,
		Ledger:     toldLedger{measuredLedger{postgres.Ledger{Pool: pool, NewID: newID}, p.observe}, relay},
		Leases:     postgres.Leases{Pool: pool, TTL: leaseTTL},
		Queue:      p.queue(),
		Notion:     func(k mapping.Kind) syncrun.Notion { return notionside.New(client, k, p.log) },
		Tables: func(k mapping.Kind) syncrun.Tables {
			return toldTables{pgside.New(pool, connection.ID, connection.Mapping, k, newID), relay}
		},
		Rehearsal: func(k mapping.Kind, runID string) syncrun.Tables {
			return pgside.NewRehearsal(pool, connection.ID, connection.Mapping, k, newID, runID)
		},
		Now:     time.Now,
		NewID:   newID,
		Log:     p.log,
		Writers: writers,
		Reserve: reserve,
	})}
}
