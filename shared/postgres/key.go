package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Keys keeps API keys, without their secrets.
type Keys struct{ Pool *pgxpool.Pool }

// Find gives the key with that id; fault.NotFound when there is none.
func (k Keys) Find(ctx context.Context, id string) (access.Key, error) {
	key := access.Key{ID: id}
	var scopes []string
	var revoked *time.Time
	err := k.Pool.QueryRow(ctx, `select client, secret_sha256, scopes, revoked_at from api_keys where id = $1`, id).
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

// Add keeps a key; one that is there already stays as it is.
func (k Keys) Add(ctx context.Context, key access.Key) error {
	scopes := make([]string, len(key.Scopes))
	for i, s := range key.Scopes {
		scopes[i] = string(s)
	}
	_, err := k.Pool.Exec(ctx, `
		insert into api_keys (id, client, secret_sha256, scopes) values ($1, $2, $3, $4) on conflict (id) do nothing`,
		key.ID, key.Client, key.SecretSHA256, scopes)
	return Fault(err)
}
