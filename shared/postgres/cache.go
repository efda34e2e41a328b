package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/resilience/cache"
)

// keptInvalidations is how long invalidations are kept: longer than any function lives.
const keptInvalidations = 24 * time.Hour

// Cache keeps what functions remember together. What it does is not measured: it would be more than what it saves.
type Cache struct {
	Pool         *Pool
	ConnectionID string
}

// Get returns an entry, nil when there is none.
func (c Cache) Get(ctx context.Context, p cache.Place) (*cache.Entry, error) {
	var e cache.Entry
	err := c.Pool.QueryRow(unmeasured(ctx), `
		select value, stored_at, fresh_until, keep_until from integration.cache_entries
		where connection_id = $1 and kind = $2 and key = $3 and keep_until > clock_timestamp()`, c.ConnectionID, p.Kind, p.Key).
		Scan(&e.Value, &e.StoredAt, &e.FreshUntil, &e.KeepUntil)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &e, Fault(err)
}

// Claim takes the turn to ask for an entry; false while another has it.
func (c Cache) Claim(ctx context.Context, p cache.Place, long time.Duration) (bool, error) {
	tag, err := c.Pool.Exec(unmeasured(ctx), `
		insert into integration.cache_loads as l (connection_id, kind, key, claimed_until) values ($1, $2, $3, clock_timestamp() + $4::interval)
		on conflict (connection_id, kind, key) do update set claimed_until = excluded.claimed_until where l.claimed_until <= clock_timestamp()`,
		c.ConnectionID, p.Kind, p.Key, long)
	return tag.RowsAffected() == 1, Fault(err)
}

// Waive releases the turn.
func (c Cache) Waive(ctx context.Context, p cache.Place) error {
	_, err := c.Pool.Exec(unmeasured(ctx), `delete from integration.cache_loads where connection_id = $1 and kind = $2 and key = $3`, c.ConnectionID, p.Kind, p.Key)
	return Fault(err)
}

// Put releases the turn and keeps an entry, unless something has been invalidated since the generation.
func (c Cache) Put(ctx context.Context, p cache.Place, e cache.Entry, generation int64) error {
	ctx = unmeasured(ctx)
	return Fault(c.Pool.InTx(ctx, func(tx pgx.Tx) error {
		// No invalidation ends meanwhile: the next statement sees those that have.
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock_shared(hashtextextended('cache ' || $1, 0))`, c.ConnectionID); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
		with done as (delete from integration.cache_loads where connection_id = $1 and kind = $2 and key = $3)
		insert into integration.cache_entries (connection_id, kind, key, value, stored_at, fresh_until, keep_until)
		select $1, $2, $3, $4, $5, $6, $7
		where not exists (select from integration.cache_invalidations where connection_id = $1 and generation > $8)
		on conflict (connection_id, kind, key) do update set value = excluded.value, stored_at = excluded.stored_at,
			fresh_until = excluded.fresh_until, keep_until = excluded.keep_until`,
			c.ConnectionID, p.Kind, p.Key, e.Value, e.StoredAt, e.FreshUntil, e.KeepUntil, generation)
		return err
	}))
}

// Since returns what was invalidated after a generation, and the newest generation.
func (c Cache) Since(ctx context.Context, generation int64) ([]cache.Invalidation, int64, error) {
	rows, err := c.Pool.Query(unmeasured(ctx), `
		select generation, kinds, pattern from integration.cache_invalidations where connection_id = $1 and generation > $2 order by generation`, c.ConnectionID, generation)
	if err != nil {
		return nil, 0, Fault(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[cache.Invalidation])
	if len(list) > 0 {
		generation = list[len(list)-1].Generation
	}
	return list, generation, Fault(err)
}

// invalidated is the data of cache_invalidated.
type invalidated struct {
	Kinds   []string `json:"kinds"`
	Pattern string   `json:"pattern"`
	Entries int64    `json:"entries"`
	By      string   `json:"requested_by"`
}

// Invalidate voids the entries of some kinds whose keys fit a pattern, and gives how many went. Every function notices before it trusts
// its memory again, within a second. id and now are the event's.
func (c Cache) Invalidate(ctx context.Context, kinds []string, pattern, by, id string, now time.Time) (int64, error) {
	like := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, `*`, `%`).Replace(pattern)
	var gone int64
	err := c.Pool.InTx(ctx, func(tx pgx.Tx) error {
		// One at a time, so that generations become visible in their order, and no entry is put meanwhile.
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('cache ' || $1, 0))`, c.ConnectionID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into integration.cache_invalidations (connection_id, kinds, pattern) values ($1, $2, $3)`, c.ConnectionID, kinds, pattern); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `delete from integration.cache_entries where connection_id = $1 and kind = any($2) and key like $3`, c.ConnectionID, kinds, like)
		if err != nil {
			return err
		}
		gone = tag.RowsAffected()
		return StoreEvents(ctx, tx, c.ConnectionID, event.Draft{
			Type: event.CacheInvalidated, Source: event.Integration, Target: event.Integration, Data: invalidated{kinds, pattern, gone, by},
		}.New(id, now))
	})
	return gone, Fault(err)
}

// Sweep deletes what is of no use to anybody any more.
func (c Cache) Sweep(ctx context.Context) error {
	if _, err := c.Pool.Exec(ctx, `delete from integration.cache_entries where connection_id = $1 and keep_until < clock_timestamp()`, c.ConnectionID); err != nil {
		return Fault(err)
	}
	if _, err := c.Pool.Exec(ctx, `delete from integration.cache_loads where connection_id = $1 and claimed_until < clock_timestamp()`, c.ConnectionID); err != nil {
		return Fault(err)
	}
	_, err := c.Pool.Exec(ctx, `
		delete from integration.cache_invalidations where connection_id = $1 and at < clock_timestamp() - $2::interval
		and generation < (select max(generation) from integration.cache_invalidations where connection_id = $1)`, c.ConnectionID, keptInvalidations)
	return Fault(err)
}
