package postgres_test

import (
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

func newKey(t *testing.T, client string) access.Key {
	t.Helper()
	_, key, err := access.NewKey(client, []access.Scope{access.Read, access.Sync}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A client has two live keys at the most, however many are made at once; one that is revoked makes room.
func TestTwoLiveKeysOfAClient(t *testing.T) {
	t.Parallel()
	keys := postgres.Keys{Pool: pgtest.New(t)}
	made := make([]access.Key, 8)
	errs := make([]error, len(made))
	var all sync.WaitGroup
	for i := range made {
		made[i] = newKey(t, "desk")
		all.Go(func() { errs[i] = keys.Add(t.Context(), made[i]) })
	}
	all.Wait()
	var live []access.Key
	for i, err := range errs {
		if err == nil {
			live = append(live, made[i])
		} else if fault.KindOf(err) != fault.Conflict {
			t.Error(err)
		}
	}
	if len(live) != access.LiveKeys {
		t.Fatalf("%d live keys", len(live))
	}
	if err := keys.Add(t.Context(), live[0]); err != nil {
		t.Errorf("one that is there: %v", err)
	}
	if err := keys.Add(t.Context(), newKey(t, "crm")); err != nil {
		t.Errorf("another client: %v", err)
	}
	if err := keys.Used(t.Context(), live[1].ID); err != nil {
		t.Error(err)
	}
	if err := keys.Revoke(t.Context(), live[0].ID); err != nil {
		t.Error(err)
	}
	wants(t, keys.Revoke(t.Context(), live[0].ID), fault.NotFound)
	if err := keys.Add(t.Context(), newKey(t, "desk")); err != nil {
		t.Errorf("after a revocation: %v", err)
	}
	list, err := keys.List(t.Context())
	if err != nil || len(list) != 4 || list[0].Client != "crm" || list[1].Client != "desk" {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, k := range list {
		if k.RevokedAt.IsZero() == (k.ID == live[0].ID) || k.LastUsedAt.IsZero() == (k.ID == live[1].ID) || k.CreatedAt.IsZero() || len(k.Scopes) != 2 || k.SecretSHA256 != nil {
			t.Errorf("%+v", k)
		}
	}
	if found, err := keys.Find(t.Context(), live[0].ID); err != nil || found.RevokedAt.IsZero() {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestKeysAreChecked(t *testing.T) {
	t.Parallel()
	keys := postgres.Keys{Pool: pgtest.New(t)}
	for name, spoil := range map[string]func(*access.Key){
		"a person's name":  func(k *access.Key) { k.Client = "user:1" },
		"an unknown scope": func(k *access.Key) { k.Scopes = []access.Scope{"root"} },
		"no scope":         func(k *access.Key) { k.Scopes = nil },
		"a short digest":   func(k *access.Key) { k.SecretSHA256 = k.SecretSHA256[:31] },
	} {
		key := newKey(t, "desk")
		spoil(&key)
		if err := keys.Add(t.Context(), key); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWindows(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	windows := postgres.Windows{Pool: pool}
	var mu sync.Mutex
	highest := 0
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			n, left, err := windows.Count(t.Context(), "client:desk")
			if err != nil || left <= 0 || left > time.Minute {
				t.Errorf("%v left, %v", left, err)
			}
			mu.Lock()
			defer mu.Unlock()
			highest = max(highest, n)
		})
	}
	all.Wait()
	if n, _, err := windows.Count(t.Context(), "client:other"); n != 1 || err != nil {
		t.Errorf("another's count is %d, %v", n, err)
	}
	if highest < 10 { // 20, but for a minute that ended meanwhile
		t.Errorf("counted to %d", highest)
	}
	if _, err := pool.Exec(t.Context(), `update integration.caller_windows set started_at = started_at - interval '2 hours'`); err != nil {
		t.Fatal(err)
	}
	if n, _, err := windows.Count(t.Context(), "client:desk"); n != 1 || err != nil {
		t.Errorf("in a new minute the count is %d, %v", n, err)
	}
	if err := windows.Forget(t.Context()); err != nil {
		t.Error(err)
	}
	var left int
	if err := pool.QueryRow(t.Context(), `select count(*) from integration.caller_windows`).Scan(&left); err != nil || left != 1 {
		t.Errorf("%d are kept, %v", left, err)
	}
}
