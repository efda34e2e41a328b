// Package supabasejwt checks the access tokens that Supabase Auth gives to people who sign in.
//
// https://supabase.com/docs/guides/auth/jwts
package supabasejwt

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// audience is whom Supabase gives tokens of people who signed in for.
const audience = "authenticated"

// longest is how long a token may be.
const longest = 8 << 10

// Config says whose tokens are good.
type Config struct {
	URL  string // the project's address
	Keys Keys
	// Secret returns the project's legacy JWT secret, an empty one for none: tokens of HS256 are good only where it is set.
	Secret func(ctx context.Context) (secret.Text, error)
	Now    func() time.Time
}

// Keys returns the public keys that the project signs with.
type Keys interface {
	// Key returns the key of an id; fault.NotFound when there is none, fault.Unavailable when that cannot be found out now.
	Key(ctx context.Context, id string) (any, error)
}

// Verifier checks tokens.
type Verifier struct{ config Config }

// NewVerifier makes a Verifier.
func NewVerifier(config Config) Verifier { return Verifier{config} }

// claims are what a token says. Only app_metadata is out of the person's own hands.
type claims struct {
	jwt.RegisteredClaims
	Anonymous bool `json:"is_anonymous"`
	App       struct {
		Scopes []access.Scope `json:"integration_scopes"`
	} `json:"app_metadata"`
}

// Verify says whose token it is: ES256 by the project's keys, or HS256 where a secret is set; of this project, for people who signed in,
// and not over. A person may read; app_metadata.integration_scopes names what else. fault.Unauthorized: the token is not good;
// fault.Unavailable: that cannot be found out now.
func (v Verifier) Verify(ctx context.Context, token string) (access.Principal, error) {
	legacy, err := v.config.Secret(ctx)
	if err != nil {
		return access.Principal{}, err
	}
	methods := []string{jwt.SigningMethodES256.Alg()}
	if !legacy.Empty() {
		methods = append(methods, jwt.SigningMethodHS256.Alg())
	}
	if len(token) > longest {
		return access.Principal{}, access.Unknown()
	}
	var said claims
	_, err = jwt.NewParser(
		jwt.WithValidMethods(methods), jwt.WithIssuer(v.config.URL+"/auth/v1"), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(v.config.Now),
	).ParseWithClaims(token, &said, func(t *jwt.Token) (any, error) {
		if t.Method == jwt.SigningMethodHS256 {
			return []byte(legacy.Reveal()), nil
		}
		id, _ := t.Header["kid"].(string)
		return v.config.Keys.Key(ctx, id)
	})
	if away, ok := errors.AsType[*fault.Error](err); ok && away.Kind == fault.Unavailable {
		return access.Principal{}, away
	}
	if err != nil || said.Subject == "" || said.Anonymous {
		return access.Principal{}, access.Unknown()
	}
	scopes := []access.Scope{access.Read}
	for _, s := range said.App.Scopes {
		if slices.Contains(access.Scopes(), s) && !slices.Contains(scopes, s) {
			scopes = append(scopes, s)
		}
	}
	return access.Principal{Client: "user:" + said.Subject, Scopes: scopes}, nil
}
