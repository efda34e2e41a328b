package wire

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/notice"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/setting"
)

// notices takes in what others say has changed in a connection.
func (p parts) notices(pool *pgxpool.Pool, settings setting.Settings) notice.Desk {
	return notice.Desk{
		ConnectionID: settings.ConnectionID,
		Kinds:        p.connection(settings).Kinds(),
		Store:        p.noticeStore(pool, settings.ConnectionID),
		Queue:        p.queue(),
		Enabled:      p.cfg.RealTimeSync,
		Bot: func(ctx context.Context) (string, error) {
			ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
			defer cancel()
			bot, err := p.notion(p.source(settings.ConnectionID), p.budget(settings.ConnectionID, true)).Me(ctx)
			if err != nil {
				return "", err
			}
			return string(bot.ID), nil
		},
		Now: time.Now,
		Log: p.log,
	}
}

func (p parts) noticeStore(pool *pgxpool.Pool, connectionID string) postgres.Notices {
	return postgres.Notices{Pool: pool, ConnectionID: connectionID, Mapping: p.cfg.Mapping, Sealing: p.sealing()}
}
