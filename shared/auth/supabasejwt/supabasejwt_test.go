package supabasejwt_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/auth/supabasejwt"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// published returns a key as Supabase publishes it.
func published(t *testing.T, id string, key *ecdsa.PrivateKey) string {
	t.Helper()
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":%q,"x":%q,"y":%q}`, id, b64(point[1:33]), b64(point[33:]))
}

// project is a Supabase project's keys' address.
type project struct {
	*httptest.Server
	body    atomic.Value
	status  atomic.Int64
	lookups atomic.Int64
}

func newProject(t *testing.T, keys ...string) *project {
	t.Helper()
	p := &project{}
	p.publish(keys...)
	p.status.Store(http.StatusOK)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.lookups.Add(1)
		if r.URL.Path != "/auth/v1/.well-known/jwks.json" {
			t.Errorf("asked for %s", r.URL)
		}
		if p.status.Load() == 0 { // silence
			<-r.Context().Done()
			return
		}
		w.WriteHeader(int(p.status.Load()))
		_, _ = io.WriteString(w, p.body.Load().(string))
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *project) publish(keys ...string) { p.body.Store(`{"keys":[` + strings.Join(keys, ",") + `]}`) }

func claims(url string) jwt.MapClaims {
	return jwt.MapClaims{"iss": url + "/auth/v1", "aud": "authenticated", "sub": "u1", "exp": noon.Add(time.Hour).Unix(), "role": "authenticated"}
}

func sign(t *testing.T, method jwt.SigningMethod, key any, id string, c jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	if id != "" {
		token.Header["kid"] = id
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func verifier(p *project, legacy string, now func() time.Time) supabasejwt.Verifier {
	return supabasejwt.NewVerifier(supabasejwt.Config{
		URL: p.URL, Keys: supabasejwt.NewKeySet(p.URL, nil, now), Now: now,
		Secret: func(context.Context) (secret.Text, error) { return secret.Of(legacy), nil },
	})
}

func TestVerify(t *testing.T) {
	t.Parallel()
	key, other := newKey(t), newKey(t)
	p := newProject(t, `{"kty":"OKP","crv":"Ed25519","kid":"odd","x":"x"}`, published(t, "k1", key), `{"kty":"oct","kid":"o","k":"c2VjcmV0"}`)
	publicKey, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	const legacy = "the project's legacy secret, set by hand"
	with := func(change func(jwt.MapClaims)) jwt.MapClaims {
		c := claims(p.URL)
		change(c)
		return c
	}
	set := func(name string, value any) jwt.MapClaims { return with(func(c jwt.MapClaims) { c[name] = value }) }
	without := func(name string) jwt.MapClaims { return with(func(c jwt.MapClaims) { delete(c, name) }) }
	es := func(c jwt.MapClaims) string { return sign(t, jwt.SigningMethodES256, key, "k1", c) }
	good := es(claims(p.URL))
	for name, c := range map[string]struct {
		token, secret string
		scopes        []access.Scope // nil: refused
	}{
		"good":                            {good, "", []access.Scope{access.Read}},
		"more scopes":                     {es(set("app_metadata", map[string]any{"integration_scopes": []string{"sync", "read", "root"}})), "", []access.Scope{access.Read, access.Sync}},
		"scopes that one gives oneself":   {es(set("user_metadata", map[string]any{"integration_scopes": []string{"admin"}})), "", []access.Scope{access.Read}},
		"audience in a list":              {es(set("aud", []string{"x", "authenticated"})), "", []access.Scope{access.Read}},
		"HS256 with the legacy secret":    {sign(t, jwt.SigningMethodHS256, []byte(legacy), "", claims(p.URL)), legacy, []access.Scope{access.Read}},
		"HS256 where none is set":         {sign(t, jwt.SigningMethodHS256, []byte(legacy), "", claims(p.URL)), "", nil},
		"HS256 with nothing":              {sign(t, jwt.SigningMethodHS256, []byte{}, "", claims(p.URL)), "", nil},
		"HS256 with another secret":       {sign(t, jwt.SigningMethodHS256, []byte("x"), "", claims(p.URL)), legacy, nil},
		"HS256 with the public key":       {sign(t, jwt.SigningMethodHS256, publicKey, "k1", claims(p.URL)), "", nil},
		"the same, with a secret set":     {sign(t, jwt.SigningMethodHS256, publicKey, "k1", claims(p.URL)), legacy, nil},
		"HS512 with the legacy secret":    {sign(t, jwt.SigningMethodHS512, []byte(legacy), "", claims(p.URL)), legacy, nil},
		"HS256 by a published secret":     {sign(t, jwt.SigningMethodHS256, []byte("secret"), "o", claims(p.URL)), "", nil},
		"alg none":                        {sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "k1", claims(p.URL)), legacy, nil},
		"no signature":                    {good[:strings.LastIndexByte(good, '.')+1], "", nil},
		"another's signature":             {sign(t, jwt.SigningMethodES256, other, "k1", claims(p.URL)), "", nil},
		"a key that is not published":     {sign(t, jwt.SigningMethodES256, other, "k2", claims(p.URL)), "", nil},
		"no key named":                    {sign(t, jwt.SigningMethodES256, key, "", claims(p.URL)), "", nil},
		"over":                            {es(set("exp", noon.Unix())), "", nil},
		"without an end":                  {es(without("exp")), "", nil},
		"not yet":                         {es(set("nbf", noon.Add(time.Minute).Unix())), "", nil},
		"of another project":              {es(set("iss", "https://other.supabase.co/auth/v1")), "", nil},
		"of nobody":                       {es(without("iss")), "", nil},
		"for others":                      {es(set("aud", "anon")), "", nil},
		"for nobody":                      {es(without("aud")), "", nil},
		"whose":                           {es(without("sub")), "", nil},
		"of somebody who did not sign in": {es(set("is_anonymous", true)), "", nil},
		"no token":                        {"a.b.c", "", nil},
		"very long":                       {good + strings.Repeat("x", 10<<10), "", nil},
		"an odd key id":                   {sign(t, jwt.SigningMethodES256, key, "../k1", claims(p.URL)), "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			caller, err := verifier(p, c.secret, func() time.Time { return noon }).Verify(t.Context(), c.token)
			if c.scopes == nil {
				if fault.KindOf(err) != fault.Unauthorized || fault.Message(err) != fault.Message(access.Unknown()) {
					t.Errorf("%+v, %v", caller, err)
				}
				return
			}
			if err != nil || caller.Client != "user:u1" || !slices.Equal(caller.Scopes, c.scopes) {
				t.Errorf("%+v, %v", caller, err)
			}
		})
	}
}

// Keys that are rotated are found; ids that nobody has are looked up seldom; keys that are away are used for a while, and then nobody is
// let in or called a liar.
func TestKeys(t *testing.T) {
	t.Parallel()
	first, second := newKey(t), newKey(t)
	p := newProject(t, published(t, "k1", first))
	now := noon
	v := verifier(p, "", func() time.Time { return now })
	lasting := claims(p.URL)
	lasting["exp"] = noon.Add(24 * time.Hour).Unix()
	byFirst, bySecond := sign(t, jwt.SigningMethodES256, first, "k1", lasting), sign(t, jwt.SigningMethodES256, second, "k2", lasting)
	wants := func(token string, kind fault.Kind, lookups int64) {
		t.Helper()
		if _, err := v.Verify(t.Context(), token); fault.KindOf(err) != kind || (err == nil) != (kind == fault.Internal) {
			t.Errorf("%v", err)
		}
		if n := p.lookups.Load(); n != lookups {
			t.Errorf("%d look-ups, want %d", n, lookups)
		}
	}
	const good = fault.Internal // no error
	wants(byFirst, good, 1)
	wants(byFirst, good, 1)
	for i := range 100 {
		wants(sign(t, jwt.SigningMethodES256, second, fmt.Sprint("flood", i), lasting), fault.Unauthorized, 1)
	}
	p.publish(published(t, "k1", first), published(t, "k2", second))
	now = now.Add(31 * time.Second)
	wants(bySecond, good, 2)
	p.publish(published(t, "k2", second))
	now = now.Add(10 * time.Minute)
	wants(byFirst, fault.Unauthorized, 3) // which was taken back
	p.status.Store(http.StatusBadGateway)
	now = now.Add(30 * time.Minute)
	wants(bySecond, good, 4)
	wants(bySecond, good, 4)
	now = now.Add(31 * time.Minute)
	wants(bySecond, fault.Unavailable, 5)
	wants(bySecond, fault.Unavailable, 5)
	p.status.Store(http.StatusOK)
	now = now.Add(31 * time.Second)
	wants(bySecond, good, 6)
}

func TestKeysAway(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	for name, spoil := range map[string]func(*project){
		"silence":      func(p *project) { p.status.Store(0) },
		"an error":     func(p *project) { p.status.Store(500) },
		"elsewhere":    func(p *project) { p.status.Store(302) },
		"a page":       func(p *project) { p.body.Store("<html>") },
		"no keys":      func(p *project) { p.body.Store("{}") },
		"ten megabyte": func(p *project) { p.body.Store(`{"keys":["` + strings.Repeat("x", 10<<20) + `"]}`) },
		"gone":         func(p *project) { p.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t, published(t, "k1", key))
			token := sign(t, jwt.SigningMethodES256, key, "k1", claims(p.URL))
			spoil(p)
			began := time.Now()
			_, err := verifier(p, "", func() time.Time { return noon }).Verify(t.Context(), token)
			if fault.KindOf(err) != fault.Unavailable || time.Since(began) > 3*time.Second {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		})
	}
	p := newProject(t)
	v := supabasejwt.NewVerifier(supabasejwt.Config{
		URL: p.URL, Keys: supabasejwt.NewKeySet(p.URL, nil, time.Now), Now: time.Now,
		Secret: func(context.Context) (secret.Text, error) {
			return secret.Text{}, fault.Wrap(errors.New("x"), fault.Unavailable, "Away.")
		},
	})
	if _, err := v.Verify(t.Context(), "a.b.c"); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("the app secret away: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	header, _ := json.Marshal(map[string]any{"alg": "ES256", "kid": 1})
	f.Add(base64.RawURLEncoding.EncodeToString(header) + ".e30.")
	f.Add("..")
	v := supabasejwt.NewVerifier(supabasejwt.Config{URL: "http://x", Keys: none{}, Now: time.Now, Secret: func(context.Context) (secret.Text, error) { return secret.Of("s"), nil }})
	f.Fuzz(func(t *testing.T, token string) {
		if p, err := v.Verify(t.Context(), token); err == nil {
			t.Errorf("%q is good for %+v", token, p)
		}
	})
}

type none struct{}

func (none) Key(context.Context, string) (any, error) { return nil, fault.New(fault.NotFound, "none") }
