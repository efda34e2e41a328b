package wire

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/notice"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/setting"
)

// notices takes in what others say has changed.
func (p parts) notices(pool *pgxpool.Pool) notice.Desk {
	return notice.Desk{
		ConnectionID: config.DefaultConnection,
		Kinds:        p.connection(setting.Settings{ConnectionID: config.DefaultConnection}).Kinds(),
		Store:        p.noticeStore(pool),
		Queue:        p.queue(),
		Enabled:      p.cfg.RealTimeSync,
		Bot: func(ctx context.Context) (string, error) {
			ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
			defer cancel()
			bot, err := p.notion(p.source(config.DefaultConnection), p.budget(config.DefaultConnection, true)).Me(ctx)
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
	return postgres.Notices{Pool: pool, ConnectionID: config.DefaultConnection, Mapping: p.cfg.Mapping}
}
