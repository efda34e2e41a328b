package wire

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/journal"
	"github.com/act-platform/enhanced-integration/shared/merge"
	"github.com/act-platform/enhanced-integration/shared/postgres"
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
		starter := p.starter(pool)
		return p.api().SyncTrigger(func(ctx context.Context, t journal.Type, kinds []string, by string) (journal.Run, error) {
			return starter.Start(ctx, syncrun.Request{Type: t, Kinds: kinds, RequestedBy: by})
		}), nil
	})
}

// starter starts runs of the default connection.
func (p parts) starter(pool *pgxpool.Pool) syncrun.Starter {
	return syncrun.Starter{
		ConnectionID: config.DefaultConnection,
		Kinds:        p.connection().Kinds(),
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

// connection is the default connection, as the environment sets it.
func (p parts) connection() syncrun.Connection {
	return syncrun.Connection{
		ID: config.DefaultConnection, Mapping: p.cfg.Mapping, DatabaseIDs: p.cfg.DatabaseIDs, Rule: merge.Newest,
		Limit: journal.Limit{Number: p.cfg.DeleteLimit, Share: p.cfg.DeleteShare},
	}
}
