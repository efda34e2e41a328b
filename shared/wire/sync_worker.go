package wire

import (
	"context"
	"encoding/json"
	"sync"
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
	return function("sync-worker", trace.Consumer, func(ctx context.Context, p parts) (*syncers, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return &syncers{parts: p, db: pool, made: map[string]connectionSyncer{}}, nil
	}, func(ctx context.Context, all *syncers, m lambdaio.Message) error {
		var msg journal.Message
		if err := json.Unmarshal([]byte(m.Body), &msg); err != nil {
			return err
		}
		syncer, err := all.of(ctx, msg)
		if err != nil {
			return err
		}
		err = syncer.Work(ctx, msg)
		_ = syncer.budget.GiveBack(ctx) // else it comes back by itself, later
		return err
	})
}

// syncers keeps a syncer for each connection, made anew when the connection's settings change.
type syncers struct {
	parts
	db *pgxpool.Pool

	mu   sync.Mutex
	made map[string]connectionSyncer
}

// connectionSyncer is a connection's syncer, made of one version of its settings, and what it spends from.
type connectionSyncer struct {
	*syncrun.Syncer
	version int64
	budget  *notion.Shared
}

// of gives the syncer for a message's connection.
func (s *syncers) of(ctx context.Context, m journal.Message) (connectionSyncer, error) {
	var settings setting.Settings
	var err error
	if m.Look {
		settings, err = postgres.Settings{Pool: s.db}.Read(ctx, m.ConnectionID)
	} else {
		settings, err = postgres.Settings{Pool: s.db}.OfRun(ctx, m.RunID)
	}
	if err != nil {
		return connectionSyncer{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	made, ok := s.made[settings.ConnectionID]
	if !ok || made.version != settings.Version {
		made = s.syncer(settings)
		s.made[settings.ConnectionID] = made
	}
	return made, nil
}

func (s *syncers) syncer(settings setting.Settings) connectionSyncer {
	p, connection := s.parts, s.connection(settings)
	if settings.Plan != "" {
		p.cfg.NotionBudget = settings.Plan.Requests()
	}
	budget, relay := p.budget(connection.ID, false), p.nudger()
	client := p.notion(p.renewing(s.db, connection.ID), budget)
	return connectionSyncer{version: settings.Version, budget: budget, Syncer: syncrun.New(syncrun.Config{
		Connection: connection,
		Ledger:     toldLedger{measuredLedger{postgres.Ledger{Pool: s.db, NewID: newID}, p.gauge.meter.Observe}, relay},
		Leases:     postgres.Leases{Pool: s.db, TTL: leaseTTL},
		Queue:      p.queue(),
		Notion:     func(k mapping.Kind) syncrun.Notion { return notionside.New(client, k, p.log) },
		Tables: func(k mapping.Kind) syncrun.Tables {
			return toldTables{pgside.New(s.db, connection.ID, connection.Mapping, k, newID), relay}
		},
		Rehearsal: func(k mapping.Kind, runID string) syncrun.Tables {
			return pgside.NewRehearsal(s.db, connection.ID, connection.Mapping, k, newID, runID)
		},
		Now:     time.Now,
		NewID:   newID,
		Log:     p.log,
		Writers: writers,
		Reserve: reserve,
	})}
}
