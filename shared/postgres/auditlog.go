package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/auth/auditlog"
)

// AuditLog keeps what callers changed. Its rows stay as they are.
type AuditLog struct {
	Pool         *Pool
	ConnectionID string
}

// Begin writes down a change before it is made.
func (t AuditLog) Begin(ctx context.Context, e auditlog.Entry) error {
	_, err := t.Pool.Exec(ctx, `
		insert into integration.audit_log (id, connection_id, at, client, key_id, source_ip, request_id, action) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		e.ID, t.ConnectionID, e.At, e.Client, e.KeyID, e.SourceIP, e.RequestID, e.Action)
	return Fault(err)
}

// End writes down what came of it.
func (t AuditLog) End(ctx context.Context, id string, o auditlog.Outcome) error {
	if o.Detail == nil {
		o.Detail = map[string]any{}
	}
	_, err := t.Pool.Exec(ctx, `insert into integration.audit_outcomes (id, connection_id, at, status, detail) values ($1, $2, $3, $4, $5)`,
		id, t.ConnectionID, o.At, o.Status, o.Detail)
	return Fault(err)
}

// List returns the entries that fit the filter, newest first.
func (t AuditLog) List(ctx context.Context, f auditlog.Filter) (auditlog.Page, error) {
	rows, err := t.Pool.Query(ctx, `
		select l.id::text, l.at, l.client, l.key_id, l.source_ip, l.request_id, l.action, l.seq, o.status, o.detail, o.at
		from integration.audit_log l left join integration.audit_outcomes o on o.id = l.id
		where l.connection_id = $1 and ($2 = '' or l.client = $2) and ($3::timestamptz is null or l.at >= $3) and ($4 = 0 or l.seq < $4)
		order by l.seq desc limit $5`, t.ConnectionID, f.Client, timeOrNull(f.Since), f.Before, f.Limit+1)
	if err != nil {
		return auditlog.Page{}, Fault(err)
	}
	var page auditlog.Page
	var places []int64
	page.Entries, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e auditlog.Entry, err error) {
		var place int64
		var status *int
		var detail map[string]any
		var ended *time.Time
		err = row.Scan(&e.ID, &e.At, &e.Client, &e.KeyID, &e.SourceIP, &e.RequestID, &e.Action, &place, &status, &detail, &ended)
		if status != nil {
			e.Outcome = &auditlog.Outcome{Status: *status, Detail: detail, At: *ended}
		}
		places = append(places, place)
		return e, err
	})
	if len(page.Entries) > f.Limit { // one more than was asked for: there is a next page
		page.Entries, page.Next = page.Entries[:f.Limit], places[f.Limit-1]
	}
	return page, Fault(err)
}
