package app

import (
	"context"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
	"github.com/act-platform/enhanced-integration/shared/aws/sqs"
	"github.com/act-platform/enhanced-integration/shared/notion/pages"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/resilience/cache"
	"github.com/act-platform/enhanced-integration/shared/sync/checker"
	"github.com/act-platform/enhanced-integration/shared/sync/consistency"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// rememberedSide asks for a database's relations once for all checks of a while.
type rememberedSide struct {
	*pages.Side
	remembered *cache.Cache
}

// Relations returns the database's relations, and where they lead.
func (s rememberedSide) Relations(ctx context.Context, dataSourceID string) ([]consistency.Relation, error) {
	relations, _, err := cache.Get(ctx, s.remembered, schemaCache(), "relations:"+dataSourceID, func(ctx context.Context) ([]consistency.Relation, error) {
		return s.Side.Relations(ctx, dataSourceID)
	})
	return relations, err
}

// ConsistencyWorker checks everything of a connection against Notion, from a message with a run's id. Its key is the run: one that has
// ended is not worked on again.
func ConsistencyWorker() func(context.Context, lambda.Message) error {
	flight := func(p deps) sqs.Flight {
		return sqs.Flight{Client: awssqs.NewFromConfig(p.aws), URL: p.cfg.ConsistencyQueueURL, Log: p.log}
	}
	return onQueue("consistency-worker", flight, forMessages(2), func(ctx context.Context, all allConnections, m lambda.Message) error {
		settings, err := postgres.Settings{Pool: all.db}.OfCheck(ctx, m.Body)
		if err != nil {
			return err
		}
		p := all.of(settings)
		return p.checker(all.db).Work(p.onBehalf(ctx), m.Body)
	})
}

// auditor checks the connection against Notion.
func (p deps) checker(pool *postgres.Pool) *checker.Checker {
	cfg, client, remembered := p.audit(pool), p.notion(p.source(), p.budget(false)), p.cache()
	cfg.Notion = func(k mapping.Kind) checker.Notion {
		return rememberedSide{pages.New(client, k, p.log), remembered}
	}
	return checker.New(cfg)
}
