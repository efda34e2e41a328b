package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/resilience/cache"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// TestAnEntryThatIsPutWhileItIsInvalidated: an entry that was asked for before an invalidation is not there after it.
func TestAnEntryThatIsPutWhileItIsInvalidated(t *testing.T) {
	t.Parallel()
	pool, err := postgres.Open(t.Context(), secret.Of(pgtest.URL(t)), 4) // all at once: the pooler of other tests has three
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	c := postgres.Cache{Pool: pool, ConnectionID: connection}
	p := cache.Place{Kind: "user", Key: "user:1"}
	if ok, err := c.Claim(t.Context(), p, time.Minute); !ok || err != nil {
		t.Fatal(ok, err)
	}
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `select from integration.cache_loads for update`); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		done <- c.Put(t.Context(), p, cache.Entry{Value: []byte(`"old"`), StoredAt: time.Now(), FreshUntil: time.Now().Add(time.Hour), KeepUntil: time.Now().Add(time.Hour)}, 0)
	}()
	for n := 0; n == 0; {
		if err := pool.QueryRow(t.Context(), `select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	invalidated := make(chan error, 1)
	go func() {
		_, err := c.Invalidate(t.Context(), []string{"user"}, "*", "desk", uuid.NewString(), time.Now())
		invalidated <- err
	}()
	for n := 0; n < 2 && len(invalidated) == 0; {
		if err := pool.QueryRow(t.Context(), `select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, ended := range []chan error{done, invalidated} {
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	if e, err := c.Get(t.Context(), p); err != nil || e != nil {
		t.Errorf("%s is there after the invalidation, %v", e.Value, err)
	}
}
