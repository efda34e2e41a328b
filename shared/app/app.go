// Package app puts the functions together: it alone knows both the use cases and the adapters. One file a function, so that a
// binary links only what it uses. Nothing is connected before the first request.
package app

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssecrets "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/auth/auditlog"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
	"github.com/act-platform/enhanced-integration/shared/aws/secretsmanager"
	"github.com/act-platform/enhanced-integration/shared/aws/sqs"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/sync/settings"
	"github.com/act-platform/enhanced-integration/shared/telemetry/logging"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// lastWords is how long before a function's limit a request is answered at the latest, and what was measured stored: API Gateway answers for a
// function that did not.
const lastWords = 2 * time.Second

// secretTTL is how long the app secret is remembered, and so how long a change of it takes to be noticed.
const secretTTL = 5 * time.Minute

// deps are what most functions are made of, for one connection.
type deps struct {
	cfg config.Config
	// settings are the connection's. newDeps knows no more of the first one than its id; of makes the deps of a connection.
	settings settings.Settings
	aws      aws.Config
	log      *slog.Logger
	secret   *secretsmanager.App
	opened   *opened
	gauge    *telemetry
	limits   healthLimits
}

// opened is the database once it is open: a function has one pool.
type opened struct {
	mu   sync.Mutex
	pool *postgres.Pool
}

// newDeps reads the settings. It calls nobody.
func newDeps(function string) (deps, error) { return partsOf(function, os.Getenv) }

func partsOf(function string, getenv func(string) string) (deps, error) {
	cfg, err := config.Load(getenv)
	if err != nil {
		return deps{}, err
	}
	log := logging.NewLogger(os.Stdout, cfg.LogLevel, function)
	gauge := newTelemetry(cfg.Stage, function, log)
	cloud := cloudConfig(getenv)
	cloud.APIOptions = append(cloud.APIOptions, gauge.cloud)
	p := deps{
		cfg:      cfg,
		settings: settings.Settings{ConnectionID: config.DefaultConnection},
		aws:      cloud,
		log:      log,
		gauge:    gauge,
		secret:   secretsmanager.NewApp(awssecrets.NewFromConfig(cloud), cfg.AppSecretARN, secretTTL, time.Now),
		opened:   &opened{},
		limits:   inTwoSeconds(),
	}
	gauge.spans = p.recorder(function)
	return p, nil
}

// pool opens the database, the first time. Nothing is connected before it is used.
func (p deps) pool(ctx context.Context, connections int32) (*postgres.Pool, error) {
	p.opened.mu.Lock()
	defer p.opened.mu.Unlock()
	if p.opened.pool != nil {
		return p.opened.pool, nil
	}
	url, err := p.databaseURL(ctx, config.DatabaseURL)
	if err != nil {
		return nil, err
	}
	if url.Empty() {
		return nil, fault.New(fault.Unavailable, "No database is set: put DATABASE_URL into the app secret.")
	}
	p.opened.pool, err = postgres.Open(context.WithoutCancel(ctx), url, connections,
		postgres.Measured(time.Now, p.gauge.shared), postgres.Guarded(p.gauge.supabase))
	if err == nil {
		p.gauge.storeIn(p.opened.pool)
	}
	return p.opened.pool, err
}

// databaseURL returns the database's address from the first of the app secret's keys that is set; an empty one when none is.
func (p deps) databaseURL(ctx context.Context, names ...string) (secret.Text, error) {
	authority, err := p.authority(ctx)
	if err != nil {
		return secret.Text{}, err
	}
	for _, name := range names {
		url, err := p.secret.Get(ctx, name)
		if err != nil {
			return secret.Text{}, err
		}
		if !url.Empty() {
			return postgres.Address(url, authority)
		}
	}
	return secret.Text{}, nil
}

// authority returns the path of the file with DATABASE_CA, which it writes, because that is how a database's address names it; "" when
// it is not set.
func (p deps) authority(ctx context.Context) (string, error) {
	certificate, err := p.secret.Get(ctx, config.DatabaseCA)
	if err != nil || certificate.Empty() {
		return "", err
	}
	path := filepath.Join(os.TempDir(), "database-ca.pem")
	if err := os.WriteFile(path, []byte(certificate.Reveal()), 0o600); err != nil {
		return "", fault.Wrap(err, fault.Internal, "The database's certificate cannot be kept")
	}
	return path, nil
}

func (p deps) api() api.API {
	return api.API{Now: time.Now, Log: p.log, Trail: auditLogOf{p}, NewID: newID, Kinds: p.cfg.Mapping.Names(), SetAside: p.settings.SetAside}
}

// auditLogOf keeps the audit log in a database that is opened when the first change is asked for.
type auditLogOf struct{ deps }

// Begin writes down a change of the connection before it is made.
func (t auditLogOf) Begin(ctx context.Context, e auditlog.Entry) error {
	pool, err := t.pool(ctx, 2)
	if err != nil {
		return err
	}
	return postgres.AuditLog{Pool: pool, ConnectionID: t.id()}.Begin(ctx, e)
}

// End writes down what came of it.
func (t auditLogOf) End(ctx context.Context, id string, o auditlog.Outcome) error {
	pool, err := t.pool(ctx, 2)
	if err != nil {
		return err
	}
	return postgres.AuditLog{Pool: pool, ConnectionID: t.id()}.End(ctx, id, o)
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
func handler(function string, create func(context.Context, deps) (http.Handler, error)) http.Handler {
	set := onFirstUse(func(context.Context) (deps, error) { return newDeps(function) })
	get := onFirstUse(func(ctx context.Context) (http.Handler, error) {
		p, err := set(ctx)
		if err != nil {
			return nil, err
		}
		return create(context.WithoutCancel(ctx), p) // what is made outlives the request
	})
	a := api.API{Now: time.Now, Log: logging.NewLogger(os.Stdout, slog.LevelInfo, function)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := set(r.Context())
		if err != nil {
			a.Failure(err).ServeHTTP(w, r)
			return
		}
		ctx, end := p.gauge.begin(r.Context(), r.Method+" "+function, trace.Server)
		answer := &answer{ResponseWriter: w}
		defer func() {
			end(answer.failure(), trace.Text("http.request.method", r.Method), trace.Number("http.response.status_code", int64(answer.status)))
		}()
		within, cancel := answerable(ctx)
		defer cancel()
		h, err := get(within)
		if err != nil {
			h = a.Failure(err)
		}
		h.ServeHTTP(answer, r.WithContext(within))
		answer.status = cmp.Or(answer.status, http.StatusOK) // as net/http has it
	})
}

// answerable returns a context that ends while there is still time to answer.
func answerable(ctx context.Context) (context.Context, context.CancelFunc) {
	limit, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, limit.Add(-lastWords))
}

// answer knows the status of what it passes on; 0 until there is one.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader passes a status on.
func (a *answer) WriteHeader(status int) {
	a.status = cmp.Or(a.status, status)
	a.ResponseWriter.WriteHeader(status)
}

// Write passes a part of the body on.
func (a *answer) Write(p []byte) (int, error) {
	a.status = cmp.Or(a.status, http.StatusOK)
	return a.ResponseWriter.Write(p)
}

// failure names how the request failed. That a caller asked for what there is not is no failure of the function.
func (a *answer) failure() string {
	switch {
	case a.status == 0:
		return "panic"
	case a.status >= http.StatusInternalServerError:
		return strconv.Itoa(a.status)
	}
	return ""
}

// onQueue makes the function of a queue's messages: one that is being worked on comes again soon when its function dies or fails.
func onQueue[T any](name string, flight func(deps) sqs.Flight, create func(context.Context, deps) (T, error), work func(context.Context, T, lambda.Message) error) func(context.Context, lambda.Message) error {
	return around(name, trace.Consumer, create, work, func(ctx context.Context, p deps, m lambda.Message, work func() error) error {
		return flight(p).Work(ctx, m.Receipt, m.Receives, work)
	})
}

// flight is that of a queue whose messages ask for what is stored as well.
func (p deps) flight(url string) sqs.Flight {
	return sqs.Flight{Client: awssqs.NewFromConfig(p.aws), URL: url, Stored: true, Log: p.log}
}

// function makes the function of an event. What it works with is made on its first event, and again after a failure.
func function[T, E any](name string, kind trace.Kind, create func(context.Context, deps) (T, error), work func(context.Context, T, E) error) func(context.Context, E) error {
	return around(name, kind, create, work, func(_ context.Context, _ deps, _ E, work func() error) error { return work() })
}

// around makes the function of an event, and leaves its work to do.
func around[T, E any](name string, kind trace.Kind, create func(context.Context, deps) (T, error), work func(context.Context, T, E) error,
	do func(ctx context.Context, p deps, event E, work func() error) error,
) func(context.Context, E) error {
	set := onFirstUse(func(context.Context) (deps, error) { return newDeps(name) })
	get := onFirstUse(func(ctx context.Context) (it T, err error) {
		p, err := set(ctx)
		if err != nil {
			return it, err
		}
		return create(ctx, p)
	})
	return func(ctx context.Context, event E) error {
		p, err := set(ctx)
		if err != nil {
			return err
		}
		ctx, end := p.gauge.begin(ctx, name, kind)
		failure := "panic"
		defer func() { end(failure) }()
		err = do(ctx, p, event, func() error {
			it, err := get(ctx)
			if err != nil {
				return err
			}
			return work(ctx, it, event)
		})
		failure = failureOf(err)
		return err
	}
}

// newID returns a new UUID, in the order of time.
func newID() string { return uuid.Must(uuid.NewV7()).String() }
