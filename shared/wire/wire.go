// Package wire puts the functions together: it alone knows both the use cases and the adapters. One file a function, so that a
// binary links only what it uses. Nothing is connected before the first request.
package wire

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/httpapi"
	"github.com/act-platform/enhanced-integration/shared/obs"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secrets"
	"github.com/act-platform/enhanced-integration/shared/setting"
	"github.com/act-platform/enhanced-integration/shared/trail"
)

// secretTTL is how long the app secret is remembered, and so how long a change of it takes to be noticed.
const secretTTL = 5 * time.Minute

// parts are what most functions are made of, for one connection.
type parts struct {
	cfg config.Config
	// settings are the connection's. newParts knows no more of the first one than its id; of makes the parts of a connection.
	settings setting.Settings
	aws      aws.Config
	log      *slog.Logger
	secret   *secrets.App
	opened   *opened
	gauge    *gauge
}

// opened is the database once it is open: a function has one pool.
type opened struct {
	mu   sync.Mutex
	pool *pgxpool.Pool
}

// newParts reads the settings. It calls nobody.
func newParts(function string) (parts, error) { return partsOf(function, os.Getenv) }

func partsOf(function string, getenv func(string) string) (parts, error) {
	cfg, err := config.Load(getenv)
	if err != nil {
		return parts{}, err
	}
	log := obs.NewLogger(os.Stdout, cfg.LogLevel, function)
	gauge := newGauge(cfg.Stage, function, log)
	cloud := cloudConfig(getenv)
	cloud.APIOptions = append(cloud.APIOptions, gauge.cloud)
	return parts{
		cfg:      cfg,
		settings: setting.Settings{ConnectionID: config.DefaultConnection},
		aws:      cloud,
		log:      log,
		gauge:    gauge,
		secret:   secrets.NewApp(secretsmanager.NewFromConfig(cloud), cfg.AppSecretARN, secretTTL, time.Now),
		opened:   &opened{},
	}, nil
}

// pool opens the database, the first time. Nothing is connected before it is used.
func (p parts) pool(ctx context.Context, connections int32) (*pgxpool.Pool, error) {
	p.opened.mu.Lock()
	defer p.opened.mu.Unlock()
	if p.opened.pool != nil {
		return p.opened.pool, nil
	}
	url, err := p.databaseURL(ctx, config.DatabaseURL)
	if err != nil {
		return nil, err
	}
	if url == "" {
		return nil, fault.New(fault.Unavailable, "No database is set: put DATABASE_URL into the app secret.")
	}
	p.opened.pool, err = postgres.Open(context.WithoutCancel(ctx), url, connections,
		postgres.Measured(time.Now, p.gauge.shared), postgres.Guarded(p.gauge.supabase))
	if err == nil {
		p.gauge.storeIn(p.opened.pool)
	}
	return p.opened.pool, err
}

// databaseURL gives the database's address from the first of the app secret's keys that is set; "" when none is.
func (p parts) databaseURL(ctx context.Context, names ...string) (string, error) {
	authority, err := p.authority(ctx)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		url, err := p.secret.Get(ctx, name)
		if err != nil {
			return "", err
		}
		if url != "" {
			return postgres.Address(url, authority)
		}
	}
	return "", nil
}

// authority gives the path of the file with DATABASE_CA, which it writes, because that is how a database's address names it; "" when
// it is not set.
func (p parts) authority(ctx context.Context) (string, error) {
	certificate, err := p.secret.Get(ctx, config.DatabaseCA)
	if err != nil || certificate == "" {
		return "", err
	}
	path := filepath.Join(os.TempDir(), "database-ca.pem")
	if err := os.WriteFile(path, []byte(certificate), 0o600); err != nil {
		return "", fault.Wrap(err, fault.Internal, "The database's certificate cannot be kept")
	}
	return path, nil
}

func (p parts) api() httpapi.API {
	return httpapi.API{Now: time.Now, Log: p.log, Trail: trailOf{p}, NewID: newID}
}

// trailOf keeps the trail in a database that is opened when the first change is asked for.
type trailOf struct{ parts }

// Begin writes down a change of the connection before it is made.
func (t trailOf) Begin(ctx context.Context, e trail.Entry) error {
	pool, err := t.pool(ctx, 2)
	if err != nil {
		return err
	}
	return postgres.Trail{Pool: pool, ConnectionID: t.id()}.Begin(ctx, e)
}

// End writes down what came of it.
func (t trailOf) End(ctx context.Context, id string, o trail.Outcome) error {
	pool, err := t.pool(ctx, 2)
	if err != nil {
		return err
	}
	return postgres.Trail{Pool: pool, ConnectionID: t.id()}.End(ctx, id, o)
}

// onFirstUse creates something when it is first asked for, and again after a failure.
func onFirstUse[T any](create func(context.Context) (T, error)) func(context.Context) (T, error) {
	var mu sync.Mutex
	var made *T
	return func(ctx context.Context) (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if made != nil {
			return *made, nil
		}
		v, err := create(ctx)
		if err == nil {
			made = &v
		}
		return v, err
	}
}

// handler makes an HTTP function's handler on its first request; while it cannot be made, requests are answered with why.
func handler(function string, create func(context.Context, parts) (http.Handler, error)) http.Handler {
	type made struct {
		http.Handler
		gauge *gauge
	}
	get := onFirstUse(func(ctx context.Context) (made, error) {
		ctx = context.WithoutCancel(ctx) // what is made outlives the request
		p, err := newParts(function)
		if err != nil {
			return made{}, err
		}
		h, err := create(ctx, p)
		return made{h, p.gauge}, err
	})
	api := httpapi.API{Now: time.Now, Log: obs.NewLogger(os.Stdout, slog.LevelInfo, function)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, err := get(r.Context())
		if err != nil {
			api.Failure(err).ServeHTTP(w, r)
			return
		}
		defer h.gauge.flush(r.Context())
		h.ServeHTTP(w, r)
	})
}

// newID gives a new UUID, in the order of time.
func newID() string { return uuid.Must(uuid.NewV7()).String() }
