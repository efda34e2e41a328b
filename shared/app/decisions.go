package app

import (
	"context"

	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// decisions is what waits for people over the connection.
func (p deps) decisions(pool *postgres.Pool) postgres.Decisions {
	return postgres.Decisions{Pool: pool, ConnectionID: p.id(), Mapping: p.cfg.Mapping}
}

// carry starts the sync that does what was decided. Where one of its type is under way, or none can be, the next does it.
func (p deps) carry(pool *postgres.Pool) api.Carry {
	starter := p.starter(pool)
	return func(ctx context.Context, kind string, t journal.Type, by string) error {
		var kinds []string
		if kind != "" {
			kinds = []string{kind}
		}
		_, err := starter.Start(ctx, engine.Request{Type: t, Kinds: kinds, RequestedBy: by})
		if k := fault.KindOf(err); k == fault.Conflict || k == fault.Invalid {
			return nil
		}
		return err
	}
}
