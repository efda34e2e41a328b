package gateway_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/act-platform/enhanced-integration/infra/local/gateway"
	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
	"github.com/act-platform/enhanced-integration/infra/local/template"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

// silent is a sink that keeps nothing.
type silent struct{}

func (silent) Line(string, []byte)      {}
func (silent) Report(lambdahost.Report) {}

// system serves testdata/template.yaml: its functions are built, hosted, and reached through the gateway.
func system(tb testing.TB) string {
	tb.Helper()
	source, err := os.ReadFile("testdata/template.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	tpl, err := template.Read(source, template.Config{
		Region: "eu-west-1", AccountID: "000000000000", Parameter: func(string) (string, bool) { return "", false },
	})
	if err != nil {
		tb.Fatal(err)
	}
	built := tb.TempDir()
	if err := lambdahost.Build(tb.Context(), "", built+string(filepath.Separator), "./testdata/functions/things", "./testdata/functions/who"); err != nil {
		tb.Fatal(err)
	}
	config := lambdahost.Config{
		Environments: 10, Idle: time.Hour, Region: "eu-west-1", AccountID: "000000000000", Sink: silent{}, Now: time.Now, NewID: uuid.NewString,
	}
	for _, f := range tpl.Functions {
		config.Functions = append(config.Functions, lambdahost.Function{
			Name: f.Name, Bootstrap: filepath.Join(built, f.Name), Timeout: f.Timeout, MemoryMB: f.MemoryMB, Environment: f.Environment,
		})
	}
	host := lambdahost.New(config)
	tb.Cleanup(func() { host.Close(context.Background()) })
	g, err := gateway.New(gateway.Config{
		API: *tpl.API, Functions: tpl.Functions, Invoker: host, Region: "eu-west-1", AccountID: "000000000000",
		Timeout: 30 * time.Second, Now: time.Now, NewID: func() string { return "request-1" },
	})
	if err != nil {
		tb.Fatal(err)
	}
	server := httptest.NewServer(g)
	tb.Cleanup(server.Close)
	return server.URL
}

// TestSystem goes from a request over HTTP through template, gateway, host and shared/aws/lambda to a handler in a process of its own.
func TestSystem(t *testing.T) {
	t.Parallel()
	url := system(t)
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		want                     string // part of the answer
	}{
		{"a handler", "GET", "/hello/w%C3%B6rld", "", nil, 200, "hello wörld"},
		{"a percent sign", "GET", "/hello/100%25", "", nil, 200, "hello 100%"},
		{"a key that is known", "GET", "/me", "", []string{"X-API-Key", "good"}, 200, "c1 127.0.0.1 request-1"},
		{"a key that is not", "GET", "/me", "", []string{"X-API-Key", "bad"}, 403, `{"message":"Forbidden"}`},
		{"no key", "GET", "/me", "", nil, 403, `{"message":"Forbidden"}`},
		{"an authorizer in trouble", "GET", "/me", "", []string{"X-API-Key", "trouble"}, 500, `{"message":"Internal Server Error"}`},
		{"bytes, there and back", "POST", "/echo", "\xff\x00\xfe", []string{"Content-Type", "application/octet-stream"}, 200, "\xff\x00\xfe"},
		{"a body over the handler's limit", "POST", "/echo", strings.Repeat("x", 1<<20+1), []string{"Content-Type", "text/plain"}, 413, `"error":"Too large"`},
		{"an event over Lambda's limit", "POST", "/echo", strings.Repeat("x", 7<<20), []string{"Content-Type", "text/plain"}, 413, `{"message":"Request Entity Too Large"}`},
		{"a panic", "POST", "/fail/panic", "", nil, 500, `"error":"Internal error"`},
		{"an exit", "POST", "/fail/exit", "", nil, 500, `{"message":"Internal Server Error"}`},
		{"a time limit", "POST", "/fail/hang", "", nil, 500, `{"message":"Internal Server Error"}`},
		{"and after all that", "GET", "/hello/again", "", nil, 200, "hello again"},
		{"no route", "GET", "/other", "", nil, 404, `{"message":"Not Found"}`},
	} {
		response, body := send(t, request(t, c.method, url+c.path, c.body, c.headers...))
		if response.StatusCode != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: answer %d %.200s", c.name, response.StatusCode, body)
		}
	}
	response, _ := send(t, request(t, "GET", url+"/hello/x", "", "X-Signature", "t=1,v1=a"))
	if got := response.Header.Values("Set-Cookie"); !slices.Equal(got, []string{"a=1; Expires=Tue, 24 Nov 2026 09:00:00 GMT", "b=2"}) {
		t.Errorf("cookies %q", got)
	}
	response, _ = send(t, request(t, "POST", url+"/echo", "x", "X-Signature", "t=1,v1=a"))
	if got := response.Header.Get("X-Signature"); got != "t=1,v1=a" {
		t.Errorf("signature %q", got)
	}
}

// BenchmarkWarm sends one request after the other over one connection.
func BenchmarkWarm(b *testing.B) {
	url := system(b)
	for b.Loop() {
		response, err := http.Get(url + "/hello/x")
		if err != nil {
			b.Fatal(err)
		}
		_, err = io.Copy(io.Discard, response.Body)
		if response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
			b.Fatal(response.Status, err)
		}
	}
}

// BenchmarkParallel sends as many at once as there are processors.
func BenchmarkParallel(b *testing.B) {
	url := system(b)
	b.ResetTimer() // which Loop does by itself
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			response, err := http.Get(url + "/hello/x")
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
	})
}
