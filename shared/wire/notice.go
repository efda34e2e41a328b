package wire

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/notice"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// notices takes in what others say has changed in the connection.
func (p parts) notices(pool *pgxpool.Pool) notice.Desk {
	return notice.Desk{
		ConnectionID: p.id(),
		Kinds:        p.connection().Kinds(),
		Store:        p.noticeStore(pool),
		Queue:        p.queue(),
		Enabled:      p.cfg.RealTimeSync,
		Bot: func(ctx context.Context) (string, error) {
			ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
			defer cancel()
			bot, err := p.notion(p.source(), p.budget(true)).Me(ctx)
			if err != nil {
				return "", err
			}
			return string(bot.ID), nil
		},
		Now: time.Now,
		Log: p.log,
	}
}

func (p parts) noticeStore(pool *pgxpool.Pool) postgres.Notices {
	return postgres.Notices{Pool: pool, ConnectionID: p.id(), Mapping: p.cfg.Mapping}
}
