package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/settings"
)

// Settings keeps the connections' settings.
type Settings struct{ Pool *Pool }

const settingColumns = `id::text, name, conflict_policy, sync_interval, notion_plan, database_ids, version,
	(select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'field', field, 'reason', reason) order by kind, field), '[]') from integration.set_aside)`

func scanSettings(row pgx.Row) (s settings.Settings, err error) {
	err = row.Scan(&s.ConnectionID, &s.Name, &s.Policy, &s.Interval, &s.Plan, &s.Databases, &s.Version, &s.SetAside)
	return s, err
}

// Read returns a connection's settings; fault.NotFound when there is no such connection.
func (s Settings) Read(ctx context.Context, connectionID string) (settings.Settings, error) {
	found, err := scanSettings(s.Pool.QueryRow(ctx, `select `+settingColumns+` from integration.connections where id::text = lower($1)`, connectionID))
	if errors.Is(err, pgx.ErrNoRows) {
		return found, fault.New(fault.NotFound, "There is no such connection; GET /config lists them.")
	}
	return found, Fault(err)
}

// OfRun returns the settings of a run's connection; fault.NotFound when there is no such run.
func (s Settings) OfRun(ctx context.Context, runID string) (settings.Settings, error) {
	return s.of(ctx, `select connection_id from integration.sync_runs where id = $1`, runID, "sync")
}

// OfCheck returns the settings of the connection that a consistency check is of; fault.NotFound when there is no such check.
func (s Settings) OfCheck(ctx context.Context, runID string) (settings.Settings, error) {
	return s.of(ctx, `select connection_id from integration.consistency_runs where id = $1`, runID, "consistency check")
}

// OfSubscription returns the settings of a subscription's connection; fault.NotFound when there is no such subscription.
func (s Settings) OfSubscription(ctx context.Context, id string) (settings.Settings, error) {
	return s.of(ctx, `select connection_id from integration.event_subscriptions where id = $1`, id, "subscription")
}

// OfWorkspace returns the settings of the connection that a workspace is connected with by OAuth; fault.NotFound when none is.
func (s Settings) OfWorkspace(ctx context.Context, workspaceID string) (settings.Settings, error) {
	return s.of(ctx, `select connection_id from public.oauth_tokens where provider = 'notion' and workspace_id = $1 and status = 'connected'`, workspaceID, "connected workspace")
}

// of returns the settings of the connection that a message's subject belongs to: messages name the subject only.
func (s Settings) of(ctx context.Context, query, id, what string) (settings.Settings, error) {
	found, err := scanSettings(s.Pool.QueryRow(ctx, `select `+settingColumns+` from integration.connections where id = (`+query+`)`, id))
	if errors.Is(err, pgx.ErrNoRows) {
		return found, fault.New(fault.NotFound, "There is no %s %s.", what, id)
	}
	return found, Fault(err)
}

// Failing reports whether the last sync failed of a connection whose workspace is connected, or was until Notion ended that.
func (s Settings) Failing(ctx context.Context) (failing bool, err error) {
	err = s.Pool.QueryRow(ctx, `
		select exists (select from public.oauth_tokens o where o.status <> 'disconnected' and (
			select r.status from integration.sync_runs r where r.connection_id = o.connection_id and r.finished_at is not null and not r.dry_run
			order by r.finished_at desc limit 1) = 'failed')`).Scan(&failing)
	return failing, Fault(err)
}

// Synced returns when a sync of each connection last succeeded; one that never did is left out.
func (s Settings) Synced(ctx context.Context) (map[string]time.Time, error) {
	rows, err := s.Pool.Query(ctx, `
		select connection_id::text, max(finished_at) from integration.sync_runs where status = 'succeeded' and not dry_run group by connection_id`)
	if err != nil {
		return nil, Fault(err)
	}
	synced := map[string]time.Time{}
	var id string
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &at}, func() error {
		synced[id] = at
		return nil
	})
	return synced, Fault(err)
}

// List returns the settings of all connections, the oldest first.
func (s Settings) List(ctx context.Context) ([]settings.Settings, error) {
	rows, err := s.Pool.Query(ctx, `select `+settingColumns+` from integration.connections order by created_at, id`)
	if err != nil {
		return nil, Fault(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (settings.Settings, error) { return scanSettings(row) })
	return all, Fault(err)
}

// Save stores a connection's settings when they are still of the version that they were read with; else fault.Conflict.
func (s Settings) Save(ctx context.Context, is settings.Settings, by string) error {
	tag, err := s.Pool.Exec(ctx, `
		update integration.connections set conflict_policy = $3, sync_interval = $4, notion_plan = $5, database_ids = $6, version = version + 1,
			updated_at = now(), updated_by = $7
		where id = $1 and version = $2`, is.ConnectionID, is.Version, is.Policy, is.Interval, is.Plan, is.Databases, by)
	if err == nil && tag.RowsAffected() == 0 {
		return fault.New(fault.Conflict, "The settings were changed by somebody else at the same moment. Look at them, and try again.")
	}
	return Fault(err)
}
