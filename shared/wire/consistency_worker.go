package wire

import (
	"context"

	"github.com/act-platform/enhanced-integration/shared/audit"
	"github.com/act-platform/enhanced-integration/shared/cache"
	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/consistency"
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/mapping"
	"github.com/act-platform/enhanced-integration/shared/notionside"
	"github.com/act-platform/enhanced-integration/shared/trace"
)

// rememberedSide asks for a database's relations once for all checks of a while.
type rememberedSide struct {
	*notionside.Side
	remembered *cache.Cache
}

// Relations gives the database's relations, and where they lead.
func (s rememberedSide) Relations(ctx context.Context, dataSourceID string) ([]consistency.Relation, error) {
	relations, _, err := cache.Get(ctx, s.remembered, schemaCache(), "relations:"+dataSourceID, func(ctx context.Context) ([]consistency.Relation, error) {
		return s.Side.Relations(ctx, dataSourceID)
	})
	return relations, err
}

// ConsistencyWorker checks everything against Notion, from a message with a run's id. Its key is the run: one that has ended is not
// worked on again.
func ConsistencyWorker() func(context.Context, lambdaio.Message) error {
	return function("consistency-worker", trace.Consumer, func(ctx context.Context, p parts) (*audit.Auditor, error) {
		pool, err := p.pool(context.WithoutCancel(ctx), 2)
		if err != nil {
			return nil, err
		}
		cfg, client, remembered := p.audit(pool), p.notion(p.source(config.DefaultConnection), p.budget(config.DefaultConnection, false)), p.cache()
		cfg.Notion = func(k mapping.Kind) audit.Notion { return rememberedSide{notionside.New(client, k, p.log), remembered} }
		return audit.New(cfg), nil
	}, func(ctx context.Context, a *audit.Auditor, m lambdaio.Message) error { return a.Work(ctx, m.Body) })
}
