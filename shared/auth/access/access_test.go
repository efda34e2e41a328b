package access_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	presented, kept, err := access.NewKey("desk", []access.Scope{access.Read}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, _, _ := access.NewKey("other", nil, rand.Reader)
	if id, ok := access.KeyID(presented); !ok || id != kept.ID {
		t.Errorf("the id of the key is %s, not %s", id, kept.ID)
	}
	if strings.Contains(fmt.Sprintf("%v %s", kept, kept.SecretSHA256), strings.SplitN(presented, "_", 3)[2]) {
		t.Error("the secret is kept")
	}
	p, err := access.Check(presented, kept)
	if err != nil || p.Client != "desk" || !p.May(access.Read) || p.May(access.Sync) {
		t.Errorf("%+v, %v", p, err)
	}
	revoked := kept
	revoked.RevokedAt = time.Now()
	for name, c := range map[string]struct {
		presented string
		kept      access.Key
	}{
		"another key":        {other, kept},
		"another secret":     {presented[:len(presented)-1] + "!", kept},
		"no secret":          {"act_" + kept.ID + "_", kept},
		"the id of another":  {strings.Replace(presented, kept.ID, "0000000000000000", 1), kept},
		"revoked":            {presented, revoked},
		"nothing":            {"", kept},
		"another prefix":     {strings.Replace(presented, "act", "key", 1), kept},
		"very long":          {presented + strings.Repeat("x", 1<<20), kept},
		"a key of no secret": {presented, access.Key{ID: kept.ID}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := access.Check(c.presented, c.kept); fault.KindOf(err) != fault.Unauthorized || fault.Message(err) != fault.Message(access.Unknown()) {
				t.Errorf("%v", err)
			}
		})
	}
	if _, _, err := access.NewKey("desk", nil, strings.NewReader("too little")); err == nil {
		t.Error("a key was made of too little chance")
	}
}

func TestAdminMayAll(t *testing.T) {
	t.Parallel()
	for _, s := range access.Scopes() {
		if !(access.Principal{Scopes: []access.Scope{access.Admin}}).May(s) || (access.Principal{}).May(s) {
			t.Errorf("scope %s", s)
		}
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	p := access.Principal{Client: "desk", KeyID: "1", Scopes: []access.Scope{access.Read, access.Events}}
	if got, err := access.FromContext(access.Context(p, nil)); err != nil || !cmp.Equal(p, got) {
		t.Errorf("%+v, %v", got, err)
	}
	for name, c := range map[string]struct {
		told map[string]any
		want fault.Kind
	}{
		"nothing told": {nil, fault.Unauthorized},
		"no key":       {access.Context(access.Principal{}, access.Missing()), fault.Unauthorized},
		"a bad key":    {access.Context(access.Principal{}, access.Unknown()), fault.Unauthorized},
		"not to be found out": {
			access.Context(access.Principal{}, fault.Wrap(errors.New("hidden"), fault.Unavailable, "Later.")), fault.Unavailable,
		},
		"too often":       {map[string]any{"refused": "rate_limited", "message": "Slow.", "retry_after": 30.0}, fault.RateLimited},
		"a surprise":      {access.Context(p, errors.New("hidden")), fault.Unavailable},
		"odd types":       {map[string]any{"client": 1, "scopes": true}, fault.Unauthorized},
		"a lie of a type": {map[string]any{"refused": "x", "client": "desk", "scopes": "admin"}, fault.Unauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := access.FromContext(c.told)
			if fault.KindOf(err) != c.want || err == nil || got.Client != "" || strings.Contains(err.Error(), "hidden") {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestRetryAfterIsTold(t *testing.T) {
	t.Parallel()
	often := fault.New(fault.RateLimited, "Slow.")
	often.RetryAfter = 42 * time.Second
	data, err := json.Marshal(access.Context(access.Principal{}, often))
	if err != nil {
		t.Fatal(err)
	}
	var told map[string]any
	if err := json.Unmarshal(data, &told); err != nil {
		t.Fatal(err)
	}
	if _, err := access.FromContext(told); fault.KindOf(err) != fault.RateLimited || fault.RetryAfter(err) != 42*time.Second || fault.Message(err) != "Slow." {
		t.Errorf("%v", err)
	}
}

func TestCheckClient(t *testing.T) {
	t.Parallel()
	for name, good := range map[string]bool{
		"desk": true, "crm-2.prod_eu": true, "": false, "Desk": false, "user:1": false, "a b": false, "-x": false, strings.Repeat("a", 64): false, "a\n": false,
	} {
		if err := access.CheckClient(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}
