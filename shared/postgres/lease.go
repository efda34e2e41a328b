package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// Leases keeps the leases on databases, by the database's clock.
type Leases struct {
	Pool *Pool
	// TTL is how long a lease is good for when nobody renews it.
	TTL time.Duration
}

// Acquire takes the lease when nobody holds it; fault.Conflict, with how long it is still held, when somebody does.
func (l Leases) Acquire(ctx context.Context, connectionID, kind, owner string) (journal.Lease, error) {
	lease := journal.Lease{ConnectionID: connectionID, Kind: kind, Owner: owner, TTL: l.TTL}
	err := l.Pool.QueryRow(ctx, `
		insert into integration.sync_leases as held (connection_id, kind, owner, term, expires_at)
		values ($1, $2, $3, 1, clock_timestamp() + $4)
		on conflict (connection_id, kind) do update
		set owner = excluded.owner, term = held.term + 1, expires_at = excluded.expires_at
		where held.expires_at <= clock_timestamp()
		returning term`, connectionID, kind, owner, l.TTL).Scan(&lease.Term)
	if errors.Is(err, pgx.ErrNoRows) {
		return journal.Lease{}, l.held(ctx, connectionID, kind)
	}
	return lease, Fault(err)
}

func (l Leases) held(ctx context.Context, connectionID, kind string) error {
	var left time.Duration
	err := l.Pool.QueryRow(ctx, `select expires_at - clock_timestamp() from integration.sync_leases where connection_id = $1 and kind = $2`,
		connectionID, kind).Scan(&left)
	if err != nil {
		return Fault(err)
	}
	busy := fault.New(fault.Conflict, "The database %s is being worked on.", kind)
	busy.RetryAfter = max(left, 10*time.Millisecond)
	return busy
}

// Renew holds a lease for another TTL.
func (l Leases) Renew(ctx context.Context, lease journal.Lease) error {
	return renew(ctx, l.Pool, lease)
}

// Release releases a lease. One that was lost is none of ours any more.
func (l Leases) Release(ctx context.Context, lease journal.Lease) error {
	_, err := l.Pool.Exec(ctx, `
		update integration.sync_leases set expires_at = clock_timestamp()
		where connection_id = $1 and kind = $2 and owner = $3 and term = $4`,
		lease.ConnectionID, lease.Kind, lease.Owner, lease.Term)
	return Fault(err)
}

// Fence is the first statement of every transaction that writes for a lease: it renews the lease and holds it until the
// transaction ends. fault.Conflict when the lease was lost: then nothing may be written.
func Fence(ctx context.Context, tx pgx.Tx, lease journal.Lease) error { return renew(ctx, tx, lease) }

func renew(ctx context.Context, q querier, lease journal.Lease) error {
	tag, err := q.Exec(ctx, `
		update integration.sync_leases set expires_at = clock_timestamp() + $5
		where connection_id = $1 and kind = $2 and owner = $3 and term = $4 and expires_at > clock_timestamp()`,
		lease.ConnectionID, lease.Kind, lease.Owner, lease.Term, lease.TTL)
	if err != nil {
		return Fault(err)
	}
	if tag.RowsAffected() == 0 {
		return fault.New(fault.Conflict, "Another worker has taken over the database %s.", lease.Kind)
	}
	return nil
}
