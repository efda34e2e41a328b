package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// Measurements keeps what is measured. What it does itself is not.
type Measurements struct {
	Pool         *Pool
	ConnectionID string
}

// added are rows as a statement takes them.
const added = `
	select least(m.at, date_trunc('minute', clock_timestamp(), 'UTC')) as at, m.service, left(m.operation, 200) as operation,
		left(m.outcome, 40) as outcome, m.calls, m.total / 1000 as micros, m.latency
	from jsonb_to_recordset($2) as m(at timestamptz, service text, operation text, outcome text, calls bigint, total bigint, latency bigint[])`

// merged adds up rows that have one place.
const merged = ` on conflict (connection_id, grain, at, service, operation, outcome) do update set
	calls = m.calls + excluded.calls, micros = m.micros + excluded.micros,
	latency = array(select a + b from unnest(m.latency, excluded.latency) with ordinality as t(a, b, place) order by place)`

// Add adds rows to what is stored, in one statement. They may come late; what a clock that runs ahead dates into the future counts now.
func (m Measurements) Add(ctx context.Context, rows []metric.Row) error {
	_, err := m.Pool.Exec(unmeasured(ctx), `
		insert into integration.measurements as m (connection_id, grain, at, service, operation, outcome, calls, micros, latency)
		select $1, 'minute', at, service, operation, outcome, sum(calls), sum(micros), `+sumOf("latency")+`
		from (`+added+`) new group by at, service, operation, outcome order by at, service, operation, outcome`+merged, m.ConnectionID, rows)
	return Fault(err)
}

// sumOf returns the sum of a group's histograms, bucket by bucket.
func sumOf(column string) string {
	sums := make([]string, metric.Buckets)
	for i := range sums {
		sums[i] = fmt.Sprintf("sum(%s[%d])::bigint", column, i+1)
	}
	return "array[" + strings.Join(sums, ", ") + "]"
}

// Fold moves what has aged into the next grain, and forgets what is older than is kept. It may be called at any time: a row is moved
// in the transaction that adds it, so that a call counts once whenever it comes.
func (m Measurements) Fold(ctx context.Context, now time.Time) error {
	return Fault(m.Pool.InTx(unmeasured(ctx), func(tx pgx.Tx) error {
		for _, step := range []struct {
			from, to metric.Grain
			keep     time.Duration
		}{{metric.Minute, metric.Hour, metric.KeepMinutes}, {metric.Hour, metric.Day, metric.KeepHours}} {
			before := now.UTC().Add(-step.keep).Truncate(step.to.Length())
			if _, err := tx.Exec(ctx, `
				with aged as (
					delete from integration.measurements where connection_id = $1 and grain = $2 and at < $4
					returning date_trunc($3::text, at, 'UTC') as at, service, operation, outcome, calls, micros, latency)
				insert into integration.measurements as m (connection_id, grain, at, service, operation, outcome, calls, micros, latency)
				select $1, $3, at, service, operation, outcome, sum(calls), sum(micros), `+sumOf("latency")+`
				from aged group by at, service, operation, outcome order by at, service, operation, outcome`+merged,
				m.ConnectionID, step.from, step.to, before); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `delete from integration.measurements where connection_id = $1 and grain = 'day' and at < $2`,
			m.ConnectionID, now.UTC().Add(-metric.KeepDays))
		return err
	}))
}

// Read returns what was measured since a time, in stretches of the grain.
func (m Measurements) Read(ctx context.Context, since time.Time, grain metric.Grain) ([]metric.Row, error) {
	return m.read(ctx, since, grain, "operation")
}

// Sums returns the same by service and outcome; only of the cache and the checks it tells operations apart. There may be a host a subscriber.
func (m Measurements) Sums(ctx context.Context, since time.Time, grain metric.Grain) ([]metric.Row, error) {
	return m.read(ctx, since, grain, "case when service in ('cache', 'check') then operation else '' end")
}

func (m Measurements) read(ctx context.Context, since time.Time, grain metric.Grain, operation string) ([]metric.Row, error) {
	rows, err := m.Pool.Query(unmeasured(ctx), `
		select date_trunc($3::text, at, 'UTC') as start, service, `+operation+` as what, outcome, sum(calls)::bigint, sum(micros)::bigint, `+sumOf("latency")+`
		from integration.measurements where connection_id = $1 and at >= $2
		group by start, service, what, outcome order by start, service, what, outcome`, m.ConnectionID, since, grain)
	if err != nil {
		return nil, Fault(err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r metric.Row, err error) {
		var micros int64
		var latency []int64
		err = row.Scan(&r.At, &r.Service, &r.Operation, &r.Outcome, &r.Calls, &micros, &latency)
		r.Total = time.Duration(micros) * time.Microsecond
		copy(r.Latency[:], latency)
		return r, err
	})
	return list, Fault(err)
}
