// Package gateway is an API Gateway HTTP API on this machine: it leads requests to functions by the template's routes, asks the
// authorizer, and turns requests into events of payload format 2.0 and results into answers, errors included, as API Gateway does.
// Throttling and access logs are left out.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html
package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
	"github.com/act-platform/enhanced-integration/infra/local/template"
)

// MaxBody is how many bytes a request's body may have. The event that it becomes has a limit of its own, which is lower.
const MaxBody = 10 << 20

// MaxHeaderBytes is how many bytes a request's headers may have; the server that serves the gateway sees to it.
const MaxHeaderBytes = 10 << 10

// Invoker calls a function. [lambdahost.Host] is one.
type Invoker interface {
	Invoke(ctx context.Context, function string, event []byte) (lambdahost.Result, error)
}

// Config says what a gateway serves.
type Config struct {
	API       template.API
	Functions []template.Function
	Invoker   Invoker
	Region    string
	AccountID string
	Timeout   time.Duration // how long a function may take to answer; 30 s on AWS
	Now       func() time.Time
	NewID     func() string // ids of requests
}

// Gateway is an http.Handler.
type Gateway struct {
	config     Config
	router     router
	authorizer authorizer
}

// New makes a gateway. It fails on a path that is no route.
func New(config Config) (*Gateway, error) {
	router, err := newRouter(config.Functions)
	if err != nil {
		return nil, err
	}
	g := &Gateway{config: config, router: router}
	g.authorizer = authorizer{config: &g.config, kept: map[string]decision{}}
	return g, nil
}

// ServeHTTP serves a request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := g.config.NewID()
	w.Header().Set("Apigw-Requestid", id)
	if cors := g.config.API.CORS; cors != nil && handleCORS(w, r, *cors) {
		return
	}
	if err := g.serve(w, r, id); err != nil {
		writeError(w, err)
	}
}

// serve answers r, or gives the error that API Gateway answers itself.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, id string) error {
	path, ok := stripStage(r.URL.EscapedPath(), g.config.API.Stage)
	if !ok {
		return errNotFound
	}
	match, ok := g.router.match(r.Method, path)
	if !ok {
		return errNotFound
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return errTooLarge
	}
	if err != nil {
		return errBadRequest // the client hung up, or its chunks are none
	}
	event := g.newEvent(r, match, id, body)
	if match.Authorizer != "" {
		if err := g.authorizer.admit(r.Context(), &event, match.Authorizer); err != nil {
			return err
		}
	}
	payload, err := g.config.call(r.Context(), match.Function, event)
	if err != nil {
		return err
	}
	return writeAnswer(w, payload, g.config.API.CORS != nil)
}

// problem is an error that API Gateway answers itself.
type problem struct {
	status  int
	message string
}

func (p problem) Error() string { return fmt.Sprintf("%d %s", p.status, p.message) }

var (
	errBadRequest   = problem{http.StatusBadRequest, "Bad Request"}
	errUnauthorized = problem{http.StatusUnauthorized, "Unauthorized"}
	errForbidden    = problem{http.StatusForbidden, "Forbidden"}
	errNotFound     = problem{http.StatusNotFound, "Not Found"}
	errTooLarge     = problem{http.StatusRequestEntityTooLarge, "Request Entity Too Large"}
	errInternal     = problem{http.StatusInternalServerError, "Internal Server Error"}
	errUnavailable  = problem{http.StatusServiceUnavailable, "Service Unavailable"}
)

func writeError(w http.ResponseWriter, err error) {
	p, ok := errors.AsType[problem](err)
	if !ok {
		p = errInternal
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.status)
	_, _ = fmt.Fprintf(w, `{"message":%q}`, p.message)
}
