package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// StoreEvents stores events in the transaction that caused them, with the trace that ctx stands in.
func StoreEvents(ctx context.Context, tx pgx.Tx, connectionID string, events ...event.Event) error {
	if len(events) == 0 {
		return nil
	}
	var traceID *string
	if at := trace.From(ctx); at.Valid() {
		id := at.TraceID.String()
		traceID = &id
	}
	_, err := tx.Exec(ctx, `
		insert into integration.events (id, connection_id, type, source_system, target_system, data, created_at, trace_id)
		select e.id, $1, e.type, e.source_system, e.target_system, e.data, e.timestamp, $3::text
		from jsonb_to_recordset($2) as e(id uuid, type text, source_system text, target_system text, data jsonb, timestamp timestamptz)`,
		connectionID, events, traceID)
	return err
}

// Events lists what happened.
type Events struct {
	Pool         *Pool
	ConnectionID string
}

// List returns the events that fit the filter, newest first.
func (e Events) List(ctx context.Context, f event.Filter) (event.Page, error) {
	const fits = `connection_id = $1 and (cardinality($2::text[]) = 0 or type = any($2))
		and ($3 = '' or source_system = $3) and ($4::timestamptz is null or created_at >= $4)`
	types := make([]string, len(f.Types))
	for i, t := range f.Types {
		types[i] = string(t)
	}
	var since *time.Time
	if !f.Since.IsZero() {
		since = &f.Since
	}
	var page event.Page
	if err := e.Pool.QueryRow(ctx, `select count(*) from integration.events where `+fits,
		e.ConnectionID, types, f.Source, since).Scan(&page.Total); err != nil {
		return page, Fault(err)
	}
	rows, err := e.Pool.Query(ctx, `
		select id::text, type, source_system, target_system, data, created_at, coalesce(trace_id, ''), seq from integration.events
		where `+fits+` and ($5 = 0 or seq < $5) order by seq desc limit $6`,
		e.ConnectionID, types, f.Source, since, f.Before, f.Limit+1)
	if err != nil {
		return page, Fault(err)
	}
	type placed struct {
		event.Event
		place int64
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p placed, err error) {
		err = row.Scan(&p.ID, &p.Type, &p.Source, &p.Target, &p.Data, &p.Timestamp, &p.TraceID, &p.place)
		return p, err
	})
	if err != nil {
		return page, Fault(err)
	}
	if len(found) > f.Limit { // one more than was asked for: there is a next page
		found = found[:f.Limit]
		page.Next = found[f.Limit-1].place
	}
	for _, p := range found {
		page.Events = append(page.Events, p.Event)
	}
	return page, nil
}
