package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/ops/alert"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// keptAlerts is how long alerts that are resolved are kept.
const keptAlerts = 90 * 24 * time.Hour

// Alerts keeps the alerts, and reads what they are judged by.
type Alerts struct {
	Pool         *Pool
	ConnectionID string
	Kinds        []string // databases that are synced
	NewID        func() string
}

// Samples returns what Postgres knows.
func (a Alerts) Samples(ctx context.Context, now time.Time) (alert.Samples, error) {
	s := alert.Samples{Now: now, Rates: map[string]alert.Rate{}, Tokens: map[string]time.Time{}, Freshness: map[string]time.Duration{}, Stalled: map[string]time.Duration{}, Held: map[string]int{}}
	rows, err := Measurements{a.Pool, a.ConnectionID}.Read(ctx, now.Add(-alert.Window), metric.Minute)
	if err != nil {
		return s, err
	}
	for _, service := range []metric.Service{metric.Notion, metric.Supabase, metric.Secrets, metric.Queue} {
		t := metric.Sum(rows, metric.Of(service))
		s.Rates[string(service)] = alert.Rate{Calls: t.Calls, Errors: t.Errors}
	}
	if err := a.Pool.QueryRow(ctx, failedInARow("$2"), a.ConnectionID, a.Kinds).Scan(&s.FailedSyncs); err != nil {
		return s, Fault(err)
	}
	return s, Fault(a.more(ctx, &s))
}

func (a Alerts) more(ctx context.Context, s *alert.Samples) error {
	if err := a.full(ctx, s); err != nil {
		return err
	}
	rows, err := a.Pool.Query(ctx, `
		select 'token', provider, case when status = 'disconnected' then 0 else coalesce(extract(epoch from expires_at), 0) end::float8
		from public.oauth_tokens where connection_id = $1
		union all
		select 'over', subject, 0 from integration.alerts where connection_id = $1 and resolved_at is null
		and condition in ('stale_data', 'sync_stalled', 'deletes_held') and subject <> all(coalesce($2::text[], '{}'))
		union all
		select 'fresh', p.kind, extract(epoch from max(p.finished_at))::float8 from integration.sync_run_databases p join integration.sync_runs r on r.id = p.run_id
		where r.connection_id = $1 and not r.dry_run and p.status = 'succeeded' and p.kind = any($2) group by p.kind
		union all
		select 'stalled', k.kind, extract(epoch from coalesce((`+stalledSince("k.kind")+`), $3))::float8 from unnest($2::text[]) k(kind)
		union all
		select 'held', k.kind, coalesce(sum(h.records), 0)::float8 from unnest($2::text[]) k(kind)
		left join integration.sync_holds h on h.connection_id = $1 and h.kind = k.kind and h.status = 'waiting' group by k.kind
		union all
		select 'differ', '', coalesce((select found from integration.consistency_runs
			where connection_id = $1 and deep and status = 'succeeded' order by created_at desc limit 1), 0)::float8`, a.ConnectionID, a.Kinds, s.Now)
	if err != nil {
		return err
	}
	var what, subject string
	var value float64
	_, err = pgx.ForEachRow(rows, []any{&what, &subject, &value}, func() error {
		at := time.UnixMicro(int64(value * 1e6))
		switch what {
		case "token":
			s.Tokens[subject] = time.Time{}
			if value > 0 {
				s.Tokens[subject] = at
			}
		case "over": // its database is not synced any more
			s.Freshness[subject], s.Stalled[subject], s.Held[subject] = 0, 0, 0
		case "fresh":
			s.Freshness[subject] = s.Now.Sub(at)
		case "stalled":
			s.Stalled[subject] = max(s.Now.Sub(at), 0)
		case "held":
			s.Held[subject] = int(value)
		case "differ":
			s.Inconsistent = int(value)
		}
		return nil
	})
	return err
}

// full tells whether the workspace takes no more pages, and some wait.
func (a Alerts) full(ctx context.Context, s *alert.Samples) error {
	var full alert.Full
	err := a.Pool.QueryRow(ctx, `
		select f.reason, count(e.row_id) from integration.full_workspaces f left join integration.sync_errors e on e.connection_id = f.connection_id and e.side = 'notion' and e.reason = f.reason
		where f.connection_id = $1 group by f.reason having count(e.row_id) > 0`, a.ConnectionID).Scan(&full.Reason, &full.Waiting)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	s.Full = &full
	return err
}

// alertData is the data of alert_raised and alert_resolved.
type alertData struct {
	ID        string          `json:"alert_id"`
	Condition alert.Condition `json:"condition"`
	Subject   string          `json:"subject,omitempty"`
	Message   string          `json:"message"`
	RaisedAt  time.Time       `json:"raised_at"`
}

// Step has decide say what changes from the alerts that are open, and stores it with the events that tell of it. Two at once take turns.
func (a Alerts) Step(ctx context.Context, now time.Time, decide func(open []alert.Alert) []alert.Change) error {
	return Fault(a.Pool.InTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select 1 from integration.connections where id = $1 for no key update`, a.ConnectionID); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, alertColumns+` where connection_id = $1 and resolved_at is null order by raised_at, id`, a.ConnectionID)
		if err != nil {
			return err
		}
		open, err := pgx.CollectRows(rows, scanAlert)
		if err != nil {
			return err
		}
		for _, c := range decide(open) {
			if err := a.store(ctx, tx, c, now); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `delete from integration.alerts where connection_id = $1 and resolved_at < $2`, a.ConnectionID, now.Add(-keptAlerts))
		return err
	}))
}

func (a Alerts) store(ctx context.Context, tx pgx.Tx, c alert.Change, now time.Time) error {
	// One that comes again while it is silenced is silenced still, and nobody is told of it, or of its end, before that is over.
	var quiet bool
	err := tx.QueryRow(ctx, `
		with before as (select max(silenced_until) as until from integration.alerts where connection_id = $2 and condition = $3 and subject = $4 and silenced_until > $9)
		insert into integration.alerts as a (id, connection_id, condition, subject, message, raised_at, notified_at, resolved_at, silenced_until)
		select $1, $2, $3, $4, $5, $6::timestamptz, case when before.until is null then $7::timestamptz else 'epoch' end, $8, before.until from before
		on conflict (id) do update set message = excluded.message, notified_at = $7, resolved_at = excluded.resolved_at
		returning a.notified_at < a.raised_at`,
		c.Alert.ID, a.ConnectionID, c.Alert.Key.Condition, c.Alert.Key.Subject, c.Alert.Message, c.Alert.RaisedAt, c.Alert.ToldAt, nullTime(c.Alert.ResolvedAt), now).
		Scan(&quiet)
	if err != nil || quiet || c.Event == alert.Quiet {
		return err
	}
	told := event.AlertRaised
	if c.Event == alert.Resolved {
		told = event.AlertResolved
	}
	return StoreEvents(ctx, tx, a.ConnectionID, event.Draft{
		Type: told, Source: event.Integration, Target: event.Integration,
		Data: alertData{c.Alert.ID, c.Alert.Key.Condition, c.Alert.Key.Subject, c.Alert.Message, c.Alert.RaisedAt},
	}.New(a.NewID(), now))
}

const alertColumns = `select id::text, condition, subject, message, raised_at, notified_at, resolved_at, coalesce(acknowledged_by, ''), acknowledged_at, silenced_until from integration.alerts`

func scanAlert(row pgx.CollectableRow) (a alert.Alert, err error) {
	var resolved, acknowledged, silenced *time.Time
	err = row.Scan(&a.ID, &a.Key.Condition, &a.Key.Subject, &a.Message, &a.RaisedAt, &a.ToldAt, &resolved, &a.AcknowledgedBy, &acknowledged, &silenced)
	a.ResolvedAt, a.AcknowledgedAt, a.SilencedUntil = timeOf(resolved), timeOf(acknowledged), timeOf(silenced)
	return a, err
}

// List returns the alerts that are open, or all, the open ones first and each newest first.
func (a Alerts) List(ctx context.Context, all bool, limit int) ([]alert.Alert, error) {
	rows, err := a.Pool.Query(ctx, alertColumns+`
		where connection_id = $1 and ($2 or resolved_at is null) order by resolved_at is not null, raised_at desc, id limit $3`, a.ConnectionID, all, limit)
	if err != nil {
		return nil, Fault(err)
	}
	list, err := pgx.CollectRows(rows, scanAlert)
	return list, Fault(err)
}

// Acknowledge notes who has seen an open alert: it is told of no more until it is resolved. The first stands. fault.NotFound when none is
// open under that id.
func (a Alerts) Acknowledge(ctx context.Context, id, by string, now time.Time) (alert.Alert, error) {
	return a.change(ctx, id, `acknowledged_by = coalesce(acknowledged_by, $3), acknowledged_at = coalesce(acknowledged_at, $4)`, by, now)
}

// Silence has an open alert told of no more until then.
func (a Alerts) Silence(ctx context.Context, id string, until time.Time) (alert.Alert, error) {
	return a.change(ctx, id, `silenced_until = $3`, until)
}

func (a Alerts) change(ctx context.Context, id, set string, args ...any) (alert.Alert, error) {
	rows, err := a.Pool.Query(ctx, `with changed as (update integration.alerts set `+set+` where connection_id = $1 and id = $2 and resolved_at is null returning *) `+
		alertColumns[:len(alertColumns)-len("integration.alerts")]+`changed`, append([]any{a.ConnectionID, id}, args...)...)
	if err != nil {
		return alert.Alert{}, Fault(err)
	}
	changed, err := pgx.CollectExactlyOneRow(rows, scanAlert)
	if errors.Is(err, pgx.ErrNoRows) {
		return alert.Alert{}, fault.New(fault.NotFound, "No alert of that id is open. GET /alerts lists those that are.")
	}
	return changed, Fault(err)
}

func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
