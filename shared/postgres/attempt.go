package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Attempts keeps the states that were given out, hashed.
type Attempts struct{ Pool *Pool }

// Begin keeps an attempt.
func (s Attempts) Begin(ctx context.Context, a grant.Attempt) error {
	_, err := s.Pool.Exec(ctx, `
		insert into integration.oauth_attempts (id, state_sha256, client, client_state, created_at) values ($1, $2, $3, $4, $5)`,
		a.ID, a.StateSHA256, a.Client, a.ClientState, a.CreatedAt)
	return Fault(err)
}

// Take uses an attempt up; fault.NotFound when there is none with that state that client may use at that time. Of many who take it at
// once one gets it. An empty client is one who did not say who they are.
func (s Attempts) Take(ctx context.Context, stateSHA256 []byte, client string, at time.Time) (grant.Attempt, error) {
	a := grant.Attempt{StateSHA256: stateSHA256}
	err := s.Pool.QueryRow(ctx, `
		update integration.oauth_attempts set used_at = $3
		where state_sha256 = $1 and used_at is null and created_at > $4 and ($2 = '' or client = $2)
		returning id::text, client, client_state, created_at`, stateSHA256, client, at, at.Add(-grant.AttemptLife)).
		Scan(&a.ID, &a.Client, &a.ClientState, &a.CreatedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return a, fault.New(fault.NotFound, "There is no attempt with that state.")
	}
	return a, Fault(err)
}

// Over returns the ids of attempts begun before a time that no grant came of.
func (s Attempts) Over(ctx context.Context, before time.Time) ([]string, error) {
	rows, err := s.Pool.Query(ctx, `
		select a.id::text from integration.oauth_attempts a where created_at < $1
		and not exists (select from public.oauth_tokens t where right(t.secret_id, 36) = a.id::text) order by created_at limit 100`, before)
	if err != nil {
		return nil, Fault(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return ids, Fault(err)
}

// Forget deletes an attempt.
func (s Attempts) Forget(ctx context.Context, attemptID string) error {
	_, err := s.Pool.Exec(ctx, `delete from integration.oauth_attempts where id = $1`, attemptID)
	return Fault(err)
}
