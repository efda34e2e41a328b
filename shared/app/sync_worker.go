package app

import (
	"context"
	"encoding/json"
	"time"

	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
	"github.com/act-platform/enhanced-integration/shared/aws/sqs"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/notion/pages"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/postgres/records"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/settings"
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
func SyncWorker() func(context.Context, lambda.Message) error {
	type worker struct {
		allConnections
		syncers *perConnectionCache[connectionSyncer]
	}
	return onQueue("sync-worker", func(p deps) sqs.Flight { return p.flight(p.cfg.SyncQueueURL) }, func(ctx context.Context, p deps) (worker, error) {
		all, err := forMessages(2)(ctx, p)
		return worker{all, &perConnectionCache[connectionSyncer]{create: func(p deps) connectionSyncer { return p.syncer(all.db) }}}, err
	}, func(ctx context.Context, all worker, m lambda.Message) error {
		var msg journal.Message
		if err := json.Unmarshal([]byte(m.Body), &msg); err != nil {
			return err
		}
		is, err := all.settingsOf(ctx, msg)
		if err != nil {
			return err
		}
		p := all.of(is)
		syncer := all.syncers.of(p)
		err = syncer.Work(p.onBehalf(ctx), msg)
		for _, b := range []*notion.Shared{syncer.budget, syncer.hasty} {
			_ = b.GiveBack(ctx) // else it comes back by itself, later
		}
		return err
	})
}

// connectionSyncer is a connection's syncer, and what it spends from: a run's budget, and a look's.
type connectionSyncer struct {
	*engine.Syncer
	budget, hasty *notion.Shared
}

// settingsOf returns the settings of a message's connection.
func (e allConnections) settingsOf(ctx context.Context, m journal.Message) (settings.Settings, error) {
	if m.Look {
		return postgres.Settings{Pool: e.db}.Read(ctx, m.ConnectionID)
	}
	return postgres.Settings{Pool: e.db}.OfRun(ctx, m.RunID)
}

func (p deps) syncer(pool *postgres.Pool) connectionSyncer {
	connection, relay := p.connection(), p.nudger()
	budget, hasty := p.budget(false), p.budget(true)
	guard, source := p.notionBreaker(), p.renewing(pool)
	spending := func(b *notion.Shared) func(mapping.Kind) engine.Notion {
		client := p.notionBehind(guard, source, b)
		return func(k mapping.Kind) engine.Notion { return pages.New(client, k, p.log) }
	}
	return connectionSyncer{budget: budget, hasty: hasty, Syncer: engine.New(engine.Config{
		Connection:  connection,
		Ledger:      notifyingLedger{measuredLedger{postgres.Ledger{Pool: pool, NewID: newID}, p.observe}, relay},
		Leases:      postgres.Leases{Pool: pool, TTL: leaseTTL},
		Queue:       p.queue(),
		Notion:      spending(budget),
		Interactive: spending(hasty),
		Ready:       budget.Ready,
		Tables: func(k mapping.Kind) engine.Tables {
			return notifyingTables{records.New(pool, connection.ID, connection.Mapping, k, newID), relay}
		},
		Rehearsal: func(k mapping.Kind, runID string) engine.Tables {
			return records.NewRehearsal(pool, connection.ID, connection.Mapping, k, newID, runID)
		},
		Now:     time.Now,
		NewID:   newID,
		Log:     p.log,
		Writers: writers,
		Reserve: reserve,
	})}
}
