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
	type made struct {
		*audit.Auditor
		gauge *gauge
	}
	get := onFirstUse(func(ctx context.Context) (made, error) {
		p, err := newParts("consistency-worker")
		if err != nil {
			return made{}, err
		}
		pool, err := p.pool(context.WithoutCancel(ctx), 2)
		if err != nil {
			return made{}, err
		}
		cfg, client, remembered := p.audit(pool), p.notion(p.source(config.DefaultConnection), p.budget(config.DefaultConnection, false)), p.cache()
		cfg.Notion = func(k mapping.Kind) audit.Notion { return rememberedSide{notionside.New(client, k, p.log), remembered} }
		return made{audit.New(cfg), p.gauge}, nil
	})
	return func(ctx context.Context, m lambdaio.Message) error {
		auditor, err := get(ctx)
		if err != nil {
			return err
		}
		defer auditor.gauge.flush(ctx)
		return auditor.Work(ctx, m.Body)
	}
}
