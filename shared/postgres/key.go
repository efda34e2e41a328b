package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Keys keeps API keys, without their secrets.
type Keys struct{ Pool *Pool }

// Find returns the key with that id; fault.NotFound when there is none.
func (k Keys) Find(ctx context.Context, id string) (access.Key, error) {
	key := access.Key{ID: id}
	var scopes []string
	var revoked *time.Time
	err := k.Pool.QueryRow(ctx, `select client, secret_sha256, scopes, revoked_at from integration.api_keys where id = $1`, id).
		Scan(&key.Client, &key.SecretSHA256, &scopes, &revoked)
	if errors.Is(err, pgx.ErrNoRows) {
		return access.Key{}, fault.New(fault.NotFound, "There is no API key %s.", id)
	}
	for _, s := range scopes {
		key.Scopes = append(key.Scopes, access.Scope(s))
	}
	if revoked != nil {
		key.RevokedAt = *revoked
	}
	return key, Fault(err)
}

// Used notes that a key was used.
func (k Keys) Used(ctx context.Context, id string) error {
	_, err := k.Pool.Exec(ctx, `update integration.api_keys set last_used_at = now() where id = $1`, id)
	return Fault(err)
}

// Add keeps a key; one that is there already stays as it is. fault.Conflict when its client has as many live keys as a client may have.
func (k Keys) Add(ctx context.Context, key access.Key) error {
	scopes := make([]string, len(key.Scopes))
	for i, s := range key.Scopes {
		scopes[i] = string(s)
	}
	return Fault(k.Pool.InTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('api_keys ' || $1, 0))`, key.Client); err != nil {
			return err
		}
		var live int
		if err := tx.QueryRow(ctx, `select count(*) from integration.api_keys where client = $1 and revoked_at is null and id <> $2`, key.Client, key.ID).Scan(&live); err != nil {
			return err
		}
		if live >= access.LiveKeys {
			return fault.New(fault.Conflict, "%s has %d live keys, which is as many as a client may have: revoke one first.", key.Client, live)
		}
		_, err := tx.Exec(ctx, `
			insert into integration.api_keys (id, client, secret_sha256, scopes) values ($1, $2, $3, $4) on conflict (id) do nothing`,
			key.ID, key.Client, key.SecretSHA256, scopes)
		return err
	}))
}

// List returns all keys, those of a client together, the oldest first.
func (k Keys) List(ctx context.Context) ([]access.Key, error) {
	rows, err := k.Pool.Query(ctx, `
		select id, client, scopes, created_at, last_used_at, revoked_at from integration.api_keys order by client, created_at, id`)
	if err != nil {
		return nil, Fault(err)
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (key access.Key, err error) {
		var scopes []string
		var used, revoked *time.Time
		err = row.Scan(&key.ID, &key.Client, &scopes, &key.CreatedAt, &used, &revoked)
		for _, s := range scopes {
			key.Scopes = append(key.Scopes, access.Scope(s))
		}
		if used != nil {
			key.LastUsedAt = *used
		}
		if revoked != nil {
			key.RevokedAt = *revoked
		}
		return key, err
	})
	return keys, Fault(err)
}

// Revoke ends a key; fault.NotFound when there is no such live key.
func (k Keys) Revoke(ctx context.Context, id string) error {
	tag, err := k.Pool.Exec(ctx, `update integration.api_keys set revoked_at = now() where id = $1 and revoked_at is null`, id)
	if err == nil && tag.RowsAffected() == 0 {
		return fault.New(fault.NotFound, "There is no live key %s.", id)
	}
	return Fault(err)
}
