package app

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/aws/sqs"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/ops/alert"
	"github.com/act-platform/enhanced-integration/shared/ops/monitor"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/settings"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// Monitor keeps watch over all connections. An event is {"task":"watch"}, every minute; {"task":"fold"}, which folds measurements and
// sweeps the cache; or {"task":"audit"}, which has everything checked against Notion. Each may come twice.
func Monitor() func(context.Context, json.RawMessage) error {
	type watch struct {
		deps
		get      func(context.Context) (*postgres.Pool, error)
		monitors *perConnectionCache[monitor.Monitor]
	}
	return function("monitor", trace.Internal, func(_ context.Context, p deps) (watch, error) {
		get := onFirstUse(func(ctx context.Context) (*postgres.Pool, error) { return p.pool(context.WithoutCancel(ctx), 2) })
		return watch{p, get, &perConnectionCache[monitor.Monitor]{create: func(p deps) monitor.Monitor { return p.monitor(get) }}}, nil
	}, func(ctx context.Context, m watch, event json.RawMessage) error {
		var in struct {
			Task string `json:"task"`
		}
		if err := json.Unmarshal(event, &in); err != nil {
			return fault.Wrap(err, fault.Invalid, "The schedule's event cannot be read")
		}
		if in.Task == "watch" {
			return m.watch(ctx, m.get, m.monitors)
		}
		pool, err := m.get(ctx)
		if err != nil {
			return err
		}
		switch in.Task {
		case "fold":
			return allConnections{m.deps, pool}.each(ctx, func(ctx context.Context, p deps) error {
				return errors.Join(
					postgres.Measurements{Pool: pool, ConnectionID: p.id()}.Fold(ctx, time.Now()),
					postgres.Cache{Pool: pool, ConnectionID: p.id()}.Sweep(ctx))
			})
		case "audit":
			return allConnections{m.deps, pool}.each(ctx, func(ctx context.Context, p deps) error { return p.dailyCheck(ctx, pool) })
		}
		return fault.New(fault.Invalid, "The schedule's task must be watch, fold or audit.")
	})
}

// watch looks at all connections at once, so that one that does not answer keeps none of the others waiting. While the database is away
// nobody knows which there are: the first is looked at all the same.
func (p deps) watch(ctx context.Context, get func(context.Context) (*postgres.Pool, error), monitors *perConnectionCache[monitor.Monitor]) error {
	connections := []settings.Settings{p.settings}
	pool, err := get(ctx)
	if err == nil {
		if listed, errList := (postgres.Settings{Pool: pool}).List(ctx); errList == nil {
			connections = listed
		} else {
			err = errList
		}
	}
	problems := make([]error, len(connections))
	var watching sync.WaitGroup
	for i, c := range connections {
		its := p.of(c)
		watching.Go(func() { problems[i] = its.look(its.onBehalf(ctx), pool, monitors.of(its)) })
	}
	watching.Wait()
	return errors.Join(errors.Join(problems...), err)
}

func (p deps) look(ctx context.Context, pool *postgres.Pool, m monitor.Monitor) error {
	rests, err := p.rests(ctx, pool)
	if err != nil {
		return err
	}
	if rests {
		return m.Rest(ctx)
	}
	return m.Watch(ctx)
}

// dailyCheck has the connection checked against Notion, if it has anything to check.
func (p deps) dailyCheck(ctx context.Context, pool *postgres.Pool) error {
	if rests, err := p.rests(ctx, pool); rests || err != nil || len(p.synced()) == 0 {
		return err
	}
	_, err := p.consistencyRequests(pool).Start(ctx, "schedule")
	if fault.KindOf(err) == fault.Conflict {
		return nil
	}
	return err
}

// monitor watches the connection. The queues are everybody's: their dead letters are told of once, for the first connection.
func (p deps) monitor(get func(context.Context) (*postgres.Pool, error)) monitor.Monitor {
	client := p.notion(p.source(), p.budget(true))
	letters := sqs.DeadLetters{Client: awssqs.NewFromConfig(p.aws)}
	if p.id() == config.DefaultConnection {
		letters.URLs = p.cfg.DeadLetterQueueURLs
	}
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
		Observe: p.observe,
		Limits:  alert.Defaults().Of(p.settings.Interval),
		Now:     time.Now,
		NewID:   newID,
		Log:     p.log.With("connection_id", p.id()),
	}
}
