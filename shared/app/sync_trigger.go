package app

import (
	"context"
	"net/http"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/act-platform/enhanced-integration/shared/aws/sqs"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// SyncTrigger answers POST /sync/trigger.
func SyncTrigger() http.Handler { return perConnection("sync-trigger", deps.answerSyncTrigger) }

func (p deps) answerSyncTrigger(pool *postgres.Pool) http.Handler {
	starter := p.starter(pool)
	return p.api().SyncTrigger(func(ctx context.Context, t journal.Type, kinds []string, dryRun bool, by string) (journal.Run, error) {
		return starter.Start(ctx, engine.Request{Type: t, Kinds: kinds, DryRun: dryRun, RequestedBy: by})
	})
}

// starter starts runs of the connection.
func (p deps) starter(pool *postgres.Pool) engine.Starter {
	return engine.Starter{
		ConnectionID: p.id(),
		Kinds:        p.connection().Kinds(),
		Ledger:       postgres.Ledger{Pool: pool, NewID: newID},
		Queue:        p.queue(),
		Now:          time.Now,
		NewID:        newID,
		Log:          p.log,
	}
}

func (p deps) queue() sqs.Sync {
	return sqs.Sync{Client: awssqs.NewFromConfig(p.aws), URL: p.cfg.SyncQueueURL, NewID: newID}
}
