package wire

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/alert"
	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/metric"
	"github.com/act-platform/enhanced-integration/shared/monitor"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sqsqueue"
	"github.com/act-platform/enhanced-integration/shared/trace"
)

// Monitor keeps watch. An event is {"task":"watch"}, every minute; {"task":"fold"}, which folds measurements and sweeps the cache;
// or {"task":"audit"}, which has everything checked against Notion. Each may come twice.
func Monitor() func(context.Context, json.RawMessage) error {
	type made struct {
		parts
		get   func(context.Context) (*pgxpool.Pool, error)
		watch monitor.Monitor
	}
	return function("monitor", trace.Internal, func(_ context.Context, p parts) (made, error) {
		get := onFirstUse(func(ctx context.Context) (*pgxpool.Pool, error) { return p.pool(context.WithoutCancel(ctx), 2) })
		return made{p, get, p.monitor(get)}, nil
	}, func(ctx context.Context, m made, event json.RawMessage) error {
		var in struct {
			Task string `json:"task"`
		}
		if err := json.Unmarshal(event, &in); err != nil {
			return fault.Wrap(err, fault.Invalid, "The schedule's event cannot be read")
		}
		if in.Task == "watch" {
			return m.watch.Watch(ctx)
		}
		pool, err := m.get(ctx)
		if err != nil {
			return err
		}
		switch in.Task {
		case "fold":
			return errors.Join(
				postgres.Measurements{Pool: pool, ConnectionID: config.DefaultConnection}.Fold(ctx, time.Now()),
				postgres.Cache{Pool: pool, ConnectionID: config.DefaultConnection}.Sweep(ctx))
		case "audit":
			if _, err = m.auditDesk(pool).Start(ctx, "schedule"); fault.KindOf(err) == fault.Conflict {
				err = nil
			}
			return err
		}
		return fault.New(fault.Invalid, "The schedule's task must be watch, fold or audit.")
	})
}

func (p parts) monitor(get func(context.Context) (*pgxpool.Pool, error)) monitor.Monitor {
	client := p.notion(p.source(config.DefaultConnection), p.budget(config.DefaultConnection, true))
	letters := sqsqueue.DeadLetters{Client: sqs.NewFromConfig(p.aws), URLs: p.cfg.DeadLetterQueueURLs}
	return monitor.Monitor{
		Checks: map[metric.Service]monitor.Check{
			metric.Notion: func(ctx context.Context) error {
				_, err := client.Me(ctx)
				return err
			},
			metric.Supabase: monitor.Check(database(get)),
		},
		Alerts: func(ctx context.Context) (monitor.Alerts, error) {
			pool, err := get(ctx)
			if err != nil {
				return nil, err
			}
			return p.alerts(pool), nil
		},
		Letters: letters.Count,
		Observe: p.gauge.meter.Observe,
		Limits:  alert.Defaults(),
		Now:     time.Now,
		NewID:   newID,
		Log:     p.log,
	}
}
