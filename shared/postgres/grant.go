package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Grants keeps what is known of connections by OAuth. The tokens themselves are elsewhere.
type Grants struct {
	Pool  *Pool
	NewID func() string
	Now   func() time.Time
	// TTL is how long who claimed a grant holds it: longer than a refresh takes.
	TTL time.Duration
	// First is the connection that is there from the start.
	First string
}

const grantColumns = `connection_id::text, secret_id, status, coalesce(workspace_id, ''), coalesce(workspace_name, ''), coalesce(bot_id, ''),
	owner, coalesce(scope, ''), version, coalesce(worked_version = version, false), coalesce(warned_version = version, false), issued_at, expires_at`

func scanGrant(row pgx.Row) (g grant.Grant, err error) {
	var owner []byte
	var expires *time.Time
	err = row.Scan(&g.ConnectionID, &g.SecretID, &g.Status, &g.ID, &g.Name, &g.BotID, &owner, &g.Scope, &g.Version, &g.Worked,
		&g.Warned, &g.IssuedAt, &expires)
	g.Owner = json.RawMessage(owner)
	if expires != nil {
		g.ExpiresAt = *expires
	}
	return g, err
}

// Find returns a connection's grant; fault.NotFound when it never had one.
func (s Grants) Find(ctx context.Context, connectionID string) (grant.Grant, error) {
	g, err := scanGrant(s.Pool.QueryRow(ctx, `select `+grantColumns+` from public.oauth_tokens where connection_id = $1 and provider = $2`,
		connectionID, grant.Provider))
	if errors.Is(err, pgx.ErrNoRows) {
		return g, fault.New(fault.NotFound, "The connection has not been connected by OAuth.")
	}
	return g, Fault(err)
}

// List returns every connection's grant.
func (s Grants) List(ctx context.Context) ([]grant.Grant, error) {
	rows, err := s.Pool.Query(ctx, `select `+grantColumns+` from public.oauth_tokens where provider = $1 order by connection_id`,
		grant.Provider)
	if err != nil {
		return nil, Fault(err)
	}
	grants, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (grant.Grant, error) { return scanGrant(row) })
	return grants, Fault(err)
}

// Claim takes hold of a grant for TTL by the database's clock; fault.Conflict while somebody else holds it.
func (s Grants) Claim(ctx context.Context, connectionID, owner string) (grant.Grant, error) {
	g, err := scanGrant(s.Pool.QueryRow(ctx, `
		update public.oauth_tokens set lease_owner = $3, lease_until = clock_timestamp() + $4
		where connection_id = $1 and provider = $2 and (lease_until is null or lease_until <= clock_timestamp())
		returning `+grantColumns, connectionID, grant.Provider, owner, s.TTL))
	if errors.Is(err, pgx.ErrNoRows) {
		if _, err := s.Find(ctx, connectionID); err != nil {
			return grant.Grant{}, err
		}
		return grant.Grant{}, fault.New(fault.Conflict, "The workspace's tokens are being refreshed. Try again in a moment.")
	}
	return g, Fault(err)
}

// Save stores a grant and what happened, when owner holds it still and it is still the one of that secret and version; else
// fault.Conflict.
func (s Grants) Save(ctx context.Context, owner string, was, is grant.Grant, happened ...event.Draft) error {
	return Fault(s.Pool.InTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			update public.oauth_tokens set status = $6, version = $7, scope = nullif($8, ''), issued_at = $9, expires_at = $10,
				worked_version = case when $11 then $7::bigint end, warned_version = case when $12 then $7::bigint end, updated_at = now()
			where connection_id = $1 and provider = $2 and lease_owner = $3 and lease_until > clock_timestamp() and secret_id = $4 and version = $5`,
			is.ConnectionID, grant.Provider, owner, was.SecretID, was.Version, is.Status, is.Version, is.Scope, is.IssuedAt, timeOrNull(is.ExpiresAt),
			is.Worked, is.Warned)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return fault.New(fault.Conflict, "The workspace was connected or refreshed by somebody else meanwhile. Try again.")
		}
		return s.tell(ctx, tx, is.ConnectionID, happened)
	}))
}

// Release lets go of a grant. One that somebody else holds by now is none of ours.
func (s Grants) Release(ctx context.Context, connectionID, owner string) error {
	_, err := s.Pool.Exec(ctx, `
		update public.oauth_tokens set lease_owner = null, lease_until = null where connection_id = $1 and provider = $2 and lease_owner = $3`,
		connectionID, grant.Provider, owner)
	return Fault(err)
}

// Place returns the connection of a workspace, and the version of the last pair that it had, 0 for none. A workspace that is not known
// goes to the first connection while that never had a grant, and else to a new one.
func (s Grants) Place(ctx context.Context, w grant.Workspace) (connectionID string, version int64, err error) {
	err = s.Pool.InTx(ctx, func(tx pgx.Tx) error {
		// Two that place the same new workspace at once take turns.
		if _, err := tx.Exec(ctx, `select 1 from integration.connections where id = $1 for update`, s.First); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `
			select connection_id::text, version from public.oauth_tokens where provider = $1 and workspace_id = $2
			order by status = 'connected' desc, updated_at desc limit 1`, grant.Provider, w.ID).Scan(&connectionID, &version)
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		var taken bool
		if err := tx.QueryRow(ctx, `select exists (select from public.oauth_tokens where connection_id = $1)`, s.First).Scan(&taken); err != nil {
			return err
		}
		connectionID = s.First
		if !taken {
			return nil
		}
		// A connection that an attempt made and did not use is used by the next.
		err = tx.QueryRow(ctx, `select id::text from integration.connections c where name = $1 and id <> $2 and not exists
			(select from public.oauth_tokens where connection_id = c.id) limit 1`, w.Name, s.First).Scan(&connectionID)
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		connectionID = s.NewID()
		_, err = tx.Exec(ctx, `insert into integration.connections (id, name) values ($1, $2)`, connectionID, w.Name)
		return err
	})
	return connectionID, version, Fault(err)
}

// Connect makes a grant the connection's, and gives the name of the secret that the grant before had, "" for none. fault.Conflict when
// another grant came first.
func (s Grants) Connect(ctx context.Context, g grant.Grant, happened event.Draft) (replaced string, err error) {
	err = s.Pool.InTx(ctx, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `select secret_id from public.oauth_tokens where connection_id = $1 and provider = $2 for update`,
			g.ConnectionID, grant.Provider).Scan(&replaced)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		tag, err := tx.Exec(ctx, `
			insert into public.oauth_tokens as had (connection_id, provider, secret_id, status, workspace_id, workspace_name, bot_id, owner, scope, version,
				worked_version, issued_at, expires_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, ''), $10, $10, $11, $12)
			on conflict (connection_id, provider) do update set
				secret_id = excluded.secret_id, status = excluded.status, workspace_id = excluded.workspace_id,
				workspace_name = excluded.workspace_name, bot_id = excluded.bot_id, owner = excluded.owner, scope = excluded.scope,
				version = excluded.version, worked_version = excluded.worked_version, warned_version = null,
				issued_at = excluded.issued_at, expires_at = excluded.expires_at, lease_owner = null, lease_until = null, updated_at = now()
			where had.version < excluded.version`,
			g.ConnectionID, grant.Provider, g.SecretID, g.Status, g.ID, g.Name, g.BotID, g.Owner, g.Scope, g.Version, g.IssuedAt,
			timeOrNull(g.ExpiresAt))
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return fault.New(fault.Conflict, "The workspace was connected by somebody else at the same moment.")
		}
		return s.tell(ctx, tx, g.ConnectionID, []event.Draft{happened})
	})
	return replaced, Fault(err)
}

func (s Grants) tell(ctx context.Context, tx pgx.Tx, connectionID string, happened []event.Draft) error {
	events := make([]event.Event, len(happened))
	for i, d := range happened {
		events[i] = d.New(s.NewID(), s.Now())
	}
	return StoreEvents(ctx, tx, connectionID, events...)
}

// timeOrNull returns nil for no time.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
