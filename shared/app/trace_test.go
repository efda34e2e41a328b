package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssecrets "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/aws/secretsmanager"
	"github.com/act-platform/enhanced-integration/shared/telemetry/logging"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// keeper is a Secrets Manager with one secret.
type keeper struct {
	value string
	err   error
}

func (k keeper) GetSecretValue(context.Context, *awssecrets.GetSecretValueInput, ...func(*awssecrets.Options)) (*awssecrets.GetSecretValueOutput, error) {
	return &awssecrets.GetSecretValueOutput{SecretString: aws.String(k.value)}, k.err
}

// TestCollectorThatTakesNothing: whatever is wrong with it, and with its key, the invocation goes on, the log says so, and no secret shows.
func TestCollectorThatTakesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc // nil: nobody is there
		secret keeper
		asked  int64
		says   string
	}{
		"it takes them":      {func(http.ResponseWriter, *http.Request) {}, keeper{value: `{"OTEL_EXPORTER_OTLP_HEADERS":"api-key=hidden"}`}, 1, ""},
		"no key is needed":   {func(http.ResponseWriter, *http.Request) {}, keeper{value: `{}`}, 1, ""},
		"away":               {nil, keeper{value: `{}`}, 0, "cannot be reached"},
		"another key":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, keeper{value: `{"OTEL_EXPORTER_OTLP_HEADERS":"api-key=hidden"}`}, 1, "answered 401"},
		"somewhere else":     {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusTemporaryRedirect) }, keeper{value: `{}`}, 1, "answered 307"},
		"no pairs":           {func(http.ResponseWriter, *http.Request) {}, keeper{value: `{"OTEL_EXPORTER_OTLP_HEADERS":"hidden"}`}, 0, "OTEL_EXPORTER_OTLP_HEADERS"},
		"no Secrets Manager": {func(http.ResponseWriter, *http.Request) {}, keeper{err: errors.New("no route")}, 0, "Secrets Manager"},
		"it never answers":   {func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() }, keeper{value: `{}`}, 1, "cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				c.answer(w, r)
			}))
			defer server.Close()
			if c.answer == nil {
				server.Close()
			}
			var log bytes.Buffer
			cfg, err := config.Load(func(name string) string {
				return map[string]string{"APP_SECRET_ARN": "app", "OTEL_EXPORTER_OTLP_ENDPOINT": server.URL}[name]
			})
			if err != nil {
				t.Fatal(err)
			}
			p := deps{
				cfg: cfg, log: logging.NewLogger(&log, slog.LevelInfo, "f"), gauge: newTelemetry("test", "f", slog.New(slog.DiscardHandler)),
				secret: secretsmanager.NewApp(c.secret, "app", time.Minute, time.Now),
			}
			p.gauge.spans = p.recorder("f")
			began := time.Now()
			for range 2 {
				ctx, end := p.gauge.begin(trace.Begin(t.Context(), "", rand.Reader), "f", trace.Consumer)
				if !trace.Recording(ctx) && asked.Load() == 0 && log.Len() == 0 {
					t.Error("nothing is recorded")
				}
				end("")
				if c.says == "" {
					break
				}
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("the invocations waited %v", took)
			}
			if asked.Load() != c.asked || !strings.Contains(log.String(), c.says) || (log.Len() > 0) != (c.says != "") || strings.Contains(log.String(), "hidden") {
				t.Errorf("asked %d times; %s", asked.Load(), log.String())
			}
		})
	}
	if (deps{}).recorder("f") != nil {
		t.Error("without a collector something is recorded")
	}
}

// TestWhatARequestEndedWith: the span of a request says its status; only what is the function's own failure is one.
func TestWhatARequestEndedWith(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handle  http.HandlerFunc
		status  int
		failure string
	}{
		"nothing said": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") }, 200, ""},
		"not found":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, 404, ""},
		"away": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			w.WriteHeader(http.StatusOK)
		}, 503, "503"},
		"a panic": {func(http.ResponseWriter, *http.Request) {}, 0, "panic"},
	} {
		a := &answer{ResponseWriter: httptest.NewRecorder()}
		c.handle(a, nil)
		if a.status != c.status || a.failure() != c.failure {
			t.Errorf("%s: %d, %q", name, a.status, a.failure())
		}
	}
}
