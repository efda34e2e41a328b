package wire

import (
	"context"

	"github.com/act-platform/enhanced-integration/shared/audit"
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/mapping"
	"github.com/act-platform/enhanced-integration/shared/notionside"
)

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
		cfg, client := p.audit(pool), p.notion()
		cfg.Notion = func(k mapping.Kind) audit.Notion { return notionside.New(client, k, p.log) }
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
