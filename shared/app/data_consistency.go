package app

import (
	"context"
	"net/http"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/act-platform/enhanced-integration/shared/aws/sqs"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/postgres/records"
	"github.com/act-platform/enhanced-integration/shared/sync/checker"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// DataConsistency answers GET /data-consistency.
func DataConsistency() http.Handler {
	return perConnection("data-consistency", deps.answerDataConsistency)
}

func (p deps) answerDataConsistency(pool *postgres.Pool) http.Handler {
	var tables []string
	for _, k := range p.synced() {
		tables = append(tables, k.Table, k.BaseTable)
	}
	return p.api().DataConsistency(p.consistencyRequests(pool), tables)
}

// desk takes what callers ask for of consistency.
func (p deps) consistencyRequests(pool *postgres.Pool) *checker.Requests {
	starter := p.starter(pool)
	return &checker.Requests{
		Checker: checker.New(p.audit(pool)),
		Reports: p.consistency(pool),
		Mender: func(k mapping.Kind) checker.Mender {
			return records.New(pool, p.id(), p.cfg.Mapping, k, newID)
		},
		Send: sqs.Consistency{Client: awssqs.NewFromConfig(p.aws), URL: p.cfg.ConsistencyQueueURL}.Send,
		Sync: func(ctx context.Context, kinds []string) error {
			_, err := starter.Start(ctx, engine.Request{Type: journal.Incremental, Kinds: kinds, RequestedBy: "repair"})
			return err
		},
		NewID: newID,
	}
}

// audit is what a check from Postgres alone needs.
func (p deps) audit(pool *postgres.Pool) checker.Config {
	return checker.Config{
		ConnectionID: p.id(),
		Kinds:        p.synced(),
		Tables: func(k mapping.Kind) checker.Tables {
			return records.New(pool, p.id(), p.cfg.Mapping, k, newID)
		},
		History: p.consistency(pool),
		Now:     time.Now,
		Log:     p.log,
	}
}

func (p deps) consistency(pool *postgres.Pool) postgres.Consistency {
	return postgres.Consistency{Pool: pool, ConnectionID: p.id(), NewID: newID, Now: time.Now}
}
