package wire

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/journal"
	"github.com/act-platform/enhanced-integration/shared/merge"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/setting"
	"github.com/act-platform/enhanced-integration/shared/sqsqueue"
	"github.com/act-platform/enhanced-integration/shared/syncrun"
)

// SyncTrigger answers POST /sync/trigger.
func SyncTrigger() http.Handler {
	return handler("sync-trigger", func(ctx context.Context, p parts) (http.Handler, error) {
		pool, err := p.pool(ctx, 2)
		if err != nil {
			return nil, err
		}
		return p.api().SyncTrigger(func(ctx context.Context, t journal.Type, kinds []string, dryRun bool, by string) (journal.Run, error) {
			settings, err := postgres.Settings{Pool: pool}.Read(ctx, config.DefaultConnection)
			if err != nil {
				return journal.Run{}, err
			}
			return p.starterOf(pool, p.connection(settings)).Start(ctx, syncrun.Request{Type: t, Kinds: kinds, DryRun: dryRun, RequestedBy: by})
		}), nil
	})
}

// starter starts runs of the first connection, as the environment sets it.
func (p parts) starter(pool *pgxpool.Pool) syncrun.Starter {
	return p.starterOf(pool, p.connection(setting.Settings{ConnectionID: config.DefaultConnection}))
}

// starterOf starts runs of a connection.
func (p parts) starterOf(pool *pgxpool.Pool, c syncrun.Connection) syncrun.Starter {
	return syncrun.Starter{
		ConnectionID: c.ID,
		Kinds:        c.Kinds(),
		Ledger:       postgres.Ledger{Pool: pool, NewID: newID},
		Queue:        p.queue(),
		Now:          time.Now,
		NewID:        newID,
		Log:          p.log,
	}
}

func (p parts) queue() sqsqueue.Sync {
	return sqsqueue.Sync{Client: sqs.NewFromConfig(p.aws), URL: p.cfg.SyncQueueURL, NewID: newID}
}

// connection is a connection as its settings say; what the environment names is the first one's.
func (p parts) connection(s setting.Settings) syncrun.Connection {
	c := syncrun.Connection{
		ID: s.ConnectionID, Mapping: p.cfg.Mapping, DatabaseIDs: map[string]string{}, Rule: cmp.Or(s.Policy, merge.Newest),
		Limit: journal.Limit{Number: p.cfg.DeleteLimit, Share: p.cfg.DeleteShare},
	}
	if s.ConnectionID == config.DefaultConnection {
		maps.Copy(c.DatabaseIDs, p.cfg.DatabaseIDs)
	}
	maps.Copy(c.DatabaseIDs, s.Databases)
	return c
}
