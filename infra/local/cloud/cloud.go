// Package cloud is the part of AWS that the system uses, on one machine and without Docker: SQS and Secrets Manager behind one
// http.Handler, told apart by the X-Amz-Target header, with their state in one file. Clients are the AWS SDKs and the aws
// command line with an endpoint of their own.
//
// Any credentials are accepted and signatures are not verified: it is for loopback.
package cloud

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/secretsmanager"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/store"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

const (
	// Account is the account that every caller is in.
	Account = "000000000000"

	defaultRegion = "us-east-1"

	// A batch of SQS weighs a mebibyte at most, and up to six times as much as escaped JSON.
	maxBody = 8 << 20
)

// Config is what the cloud depends on. Its zero value is a cloud in memory.
type Config struct {
	// Path is the state file; empty keeps the state in memory. What was answered is in the file before the answer, and
	// survives the end of the process, kill -9 included, though not the loss of power.
	Path string
	// KeepInFlight leaves messages that were in flight when the process ended in flight until their visibility timeout
	// runs out, as SQS would. Without it Open makes them visible at once, because whoever received them ran on this machine
	// and is taken to have ended with the process. Receive counts stay either way.
	KeepInFlight bool
	// Region is that of callers who do not sign their requests; us-east-1 when empty.
	Region string
	// BaseURL is what queue URLs begin with, such as http://localhost:4566; when empty, the address that the caller used.
	BaseURL string
	// Faults is asked before each call, with its target, such as AmazonSQS.SendMessage or secretsmanager.GetSecretValue, and
	// makes it fail where it gives an error: Throttled, Unavailable, any *awsjson.Error, or http.ErrAbortHandler to cut the
	// connection. It must be safe for concurrent use.
	Faults func(target string) error
	// Now is what time it is; time.Now when nil. Long polls wait by the process's own clock, and look again when the queue
	// changes.
	Now   func() time.Time
	NewID func() string // unique, without colons and spaces; random UUIDs when nil
	Log   *slog.Logger  // told of what is no caller's fault; nowhere when nil
}

// Cloud answers the calls. It is safe for concurrent use.
type Cloud struct {
	cfg      Config
	store    *store.Store
	sqs      *sqs.Service
	services []service
}

// service is one of AWS's services, as the front door sees it.
type service struct {
	prefix     string // of X-Amz-Target
	protocol   awsjson.Protocol
	operations map[string]awsjson.Operation
	notOffered func(operation string) *awsjson.Error
}

// Open reads the state and makes the cloud. It fails with a fault when the file is in use or cannot be read. Close it in the
// end.
func Open(cfg Config) (*Cloud, error) {
	if cfg.Region == "" {
		cfg.Region = defaultRegion
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.NewID == nil {
		cfg.NewID = uuid.NewString
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.BaseURL = strings.TrimRight(cfg.BaseURL, "/")
	kept, err := store.Open(cfg.Path)
	if err != nil {
		return nil, err
	}
	c := &Cloud{cfg: cfg, store: kept}
	if err := c.open(); err != nil {
		return nil, errors.Join(
			fault.Wrap(err, fault.Invalid, "the local cloud's state cannot be read; remove it to begin anew: %s", cfg.Path),
			kept.Close())
	}
	return c, nil
}

func (c *Cloud) open() error {
	queues, err := sqs.Open(sqs.Config{
		Store: c.store.Bucket("sqs"), Now: c.cfg.Now, NewID: c.cfg.NewID, KeepInFlight: c.cfg.KeepInFlight,
	})
	if err != nil {
		return err
	}
	secrets, err := secretsmanager.Open(secretsmanager.Config{
		Store: c.store.Bucket("secretsmanager"), Now: c.cfg.Now, NewID: c.cfg.NewID,
	})
	if err != nil {
		return err
	}
	c.sqs = queues
	c.services = []service{{
		prefix:     "AmazonSQS",
		protocol:   awsjson.Protocol{Version: "1.0", MessageKey: "message"},
		operations: queues.Operations(), notOffered: sqs.NotOffered,
	}, {
		prefix:     "secretsmanager",
		protocol:   awsjson.Protocol{Version: "1.1", MessageKey: "Message"},
		operations: secrets.Operations(), notOffered: secretsmanager.NotOffered,
	}}
	return nil
}

// Close ends the polls that wait, with no messages, and lets go of the state file. Stop the HTTP server around it after
// this, so that it need not wait for the polls. What is called later fails.
func (c *Cloud) Close() error {
	c.sqs.Close()
	return c.store.Close()
}

// ServeHTTP answers one call.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amzn-Requestid", c.cfg.NewID())
	prefix, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	for _, s := range c.services {
		if s.prefix == prefix {
			c.serve(w, r, s, operation)
			return
		}
	}
	refusal := &awsjson.Error{
		Status: http.StatusNotFound, Type: "UnknownOperationException",
		Message: "The local cloud speaks the AWS JSON protocols of SQS and Secrets Manager: " +
			"X-Amz-Target must be AmazonSQS.<operation> or secretsmanager.<operation>.",
	}
	c.written(r, awsjson.Protocol{Version: "1.0", MessageKey: "message"}.Refuse(w, refusal))
}

func (c *Cloud) serve(w http.ResponseWriter, r *http.Request, s service, operation string) {
	out, err := c.call(w, r, s, operation)
	switch refusal, refused := errors.AsType[*awsjson.Error](err); {
	case err == nil:
		c.written(r, s.protocol.Answer(w, out))
	case errors.Is(err, http.ErrAbortHandler):
		panic(http.ErrAbortHandler)
	case refused:
		c.written(r, s.protocol.Refuse(w, refusal))
	default:
		c.cfg.Log.ErrorContext(r.Context(), "the local cloud failed", "target", s.prefix+"."+operation, "error", err)
		c.written(r, s.protocol.Refuse(w, &awsjson.Error{
			Status: http.StatusInternalServerError, Type: "InternalFailure", Query: "InternalFailure",
			Message: "The local cloud failed; its log says why.",
		}))
	}
}

func (c *Cloud) call(w http.ResponseWriter, r *http.Request, s service, operation string) (any, error) {
	answer := s.operations[operation]
	if answer == nil {
		return nil, s.notOffered(operation)
	}
	if r.Method != http.MethodPost {
		return nil, &awsjson.Error{
			Status: http.StatusMethodNotAllowed, Type: "InvalidHttpRequest", Message: "Calls are POST requests.",
		}
	}
	if c.cfg.Faults != nil {
		if err := c.cfg.Faults(s.prefix + "." + operation); err != nil {
			return nil, err
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, &awsjson.Error{
			Status: http.StatusRequestEntityTooLarge, Type: "RequestEntityTooLargeException", Message: "The request is too large.",
		}
	}
	if err != nil {
		return nil, &awsjson.Error{Type: "IncompleteBody", Message: "The request ended before its end."}
	}
	return answer(r.Context(), c.scope(r), body)
}

// written logs an answer that could not be written; there is nobody left to tell.
func (c *Cloud) written(r *http.Request, err error) {
	if err != nil {
		c.cfg.Log.DebugContext(r.Context(), "an answer of the local cloud was not written", "error", err)
	}
}

func (c *Cloud) scope(r *http.Request) awsjson.Scope {
	scope := awsjson.Scope{Account: Account, Region: c.cfg.Region, BaseURL: c.cfg.BaseURL}
	if scope.BaseURL == "" {
		scope.BaseURL = "http://" + r.Host
	}
	// Credential=<access key>/<date>/<region>/<service>/aws4_request
	if _, credential, found := strings.Cut(r.Header.Get("Authorization"), "Credential="); found {
		if parts := strings.Split(credential, "/"); len(parts) >= 5 && isRegion(parts[2]) {
			scope.Region = parts[2]
		}
	}
	return scope
}

func isRegion(name string) bool {
	foreign := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' }
	return name != "" && len(name) <= 32 && strings.IndexFunc(name, foreign) < 0
}
