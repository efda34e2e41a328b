package lambda_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"
	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
)

type proxy func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

func bare(handler http.Handler) proxy { return httpadapter.NewV2(handler).ProxyWithContext }

func event(change func(*events.APIGatewayV2HTTPRequest)) events.APIGatewayV2HTTPRequest {
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "GET /things", RawPath: "/things",
		Headers: map[string]string{"host": "api.test", "content-type": "application/json"},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			Stage: "$default", RequestID: "request-1", DomainName: "api.test",
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: "GET", Path: "/things", SourceIP: "192.0.2.7"},
		},
	}
	if change != nil {
		change(&e)
	}
	return e
}

// call runs one request and gives the answer and what the handler saw of the request, as see tells it.
func call(build func(http.Handler) proxy, e events.APIGatewayV2HTTPRequest, handle func(w http.ResponseWriter, r *http.Request) string) (answer events.APIGatewayV2HTTPResponse, saw string, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	answer, err = build(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { saw = handle(w, r) }))(context.Background(), e)
	return answer, saw, err
}

// TestRepairs names what the library gets wrong. Each case must hold with Proxy and must not hold with the library alone: the day
// it does, the repair can go.
func TestRepairs(t *testing.T) {
	t.Parallel()
	header := func(name string) func(http.ResponseWriter, *http.Request) string {
		return func(_ http.ResponseWriter, r *http.Request) string { return strings.Join(r.Header.Values(name), " | ") }
	}
	withHeader := func(name, value string) events.APIGatewayV2HTTPRequest {
		return event(func(e *events.APIGatewayV2HTTPRequest) { e.Headers[name] = value })
	}
	withPath := func(path string) events.APIGatewayV2HTTPRequest {
		return event(func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = path })
	}
	cases := map[string]struct {
		event  events.APIGatewayV2HTTPRequest
		handle func(http.ResponseWriter, *http.Request) string
		saw    string
		answer string // "status body"; "" when it is not what the case is about
	}{
		"a signature with a comma stays whole": {
			event: withHeader("x-signature", "t=1,v1=abc"), handle: header("X-Signature"), saw: "t=1,v1=abc",
		},
		"a date stays whole": {
			event: withHeader("if-range", "Tue, 24 Nov 2026 09:00:00 GMT"), handle: header("If-Range"), saw: "Tue, 24 Nov 2026 09:00:00 GMT",
		},
		"cookies come once where the gateway sends them twice": {
			event: event(func(e *events.APIGatewayV2HTTPRequest) {
				e.Headers["cookie"], e.Cookies = "a=1; b=2", []string{"a=1", "b=2"}
			}),
			handle: func(_ http.ResponseWriter, r *http.Request) string { return fmt.Sprint(r.Cookies()) }, saw: "[a=1 b=2]",
		},
		"the host is where net/http keeps it": {
			event:  event(func(e *events.APIGatewayV2HTTPRequest) { e.Headers["host"] = "other.test" }),
			handle: func(_ http.ResponseWriter, r *http.Request) string { return r.Host + r.Header.Get("Host") }, saw: "other.test",
		},
		"a percent sign that escapes nothing stays": {
			event:  withPath("/things/100%"),
			handle: func(_ http.ResponseWriter, r *http.Request) string { return r.URL.Path }, saw: "/things/100%", answer: "200 ",
		},
		"a line break in the path is a path": {
			event:  withPath("/things/a\nb"),
			handle: func(_ http.ResponseWriter, r *http.Request) string { return r.URL.Path }, saw: "/things/a\nb", answer: "200 ",
		},
		"double slashes stay, and are no host": {
			event: event(func(e *events.APIGatewayV2HTTPRequest) { e.RawPath, e.RequestContext.DomainName = "//evil.test/x", "" }),
			handle: func(_ http.ResponseWriter, r *http.Request) string {
				return r.Host + " " + r.URL.Path
			}, saw: "api.test //evil.test/x",
		},
		"the stage is taken off the path": {
			event: event(func(e *events.APIGatewayV2HTTPRequest) {
				e.RequestContext.Stage, e.RawPath = "prod", "/prod/things"
			}),
			handle: func(_ http.ResponseWriter, r *http.Request) string { return r.URL.Path }, saw: "/things",
		},
		"the caller's address has a port": {
			event: event(nil),
			handle: func(_ http.ResponseWriter, r *http.Request) string {
				host, _, err := net.SplitHostPort(r.RemoteAddr)
				return fmt.Sprint(host, " ", err)
			}, saw: "192.0.2.7 <nil>",
		},
		"an address of version 6 has a port": {
			event: event(func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.SourceIP = "2001:db8::1" }),
			handle: func(_ http.ResponseWriter, r *http.Request) string {
				host, _, err := net.SplitHostPort(r.RemoteAddr)
				return fmt.Sprint(host, " ", err)
			}, saw: "2001:db8::1 <nil>",
		},
		"a handler that writes nothing answers 200": {
			event: event(nil), handle: func(http.ResponseWriter, *http.Request) string { return "" }, answer: "200 ",
		},
		"the first status counts": {
			event: event(nil),
			handle: func(w http.ResponseWriter, _ *http.Request) string {
				w.WriteHeader(http.StatusAccepted)
				w.WriteHeader(http.StatusInternalServerError)
				return ""
			}, answer: "202 ",
		},
		"an early hint is no status": {
			event: event(nil),
			handle: func(w http.ResponseWriter, _ *http.Request) string {
				w.WriteHeader(http.StatusEarlyHints)
				_, _ = io.WriteString(w, "done")
				return ""
			}, answer: "200 done",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken := func(build func(http.Handler) proxy) error {
				answer, saw, err := call(build, c.event, c.handle)
				switch got := fmt.Sprintf("%d %s", answer.StatusCode, answer.Body); {
				case err != nil:
					return err
				case saw != c.saw:
					return fmt.Errorf("the handler saw %q, want %q", saw, c.saw)
				case c.answer != "" && got != c.answer:
					return fmt.Errorf("the answer is %q, want %q", got, c.answer)
				}
				return nil
			}
			ours := func(handler http.Handler) proxy { return lambda.Proxy(handler) }
			if err := broken(ours); err != nil {
				t.Error(err)
			}
			if err := broken(bare); err == nil {
				t.Error("the library does this itself: the repair can go")
			}
		})
	}
}

func TestHeadersAfterTheStatusDoNotCount(t *testing.T) {
	t.Parallel()
	answer, _, err := call(ours, event(nil), func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("X-Early", "yes")
		w.WriteHeader(http.StatusOK)
		w.Header().Set("X-Late", "yes")
		return ""
	})
	if err != nil || answer.Headers["X-Early"] != "yes" || answer.Headers["X-Late"] != "" {
		t.Errorf("headers %v, error %v", answer.Headers, err)
	}
}

func ours(handler http.Handler) proxy { return lambda.Proxy(handler) }

func TestStage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ stage, route, path, want string }{
		"the default stage has no prefix":           {"$default", "GET /a", "/a", "/a"},
		"no stage":                                  {"", "GET /a", "/a", "/a"},
		"a stage":                                   {"prod", "GET /a", "/prod/a", "/a"},
		"a stage and nothing else":                  {"prod", "GET /", "/prod", "/"},
		"a path that only begins like the stage":    {"prod", "GET /products", "/products", "/products"},
		"a custom domain shows no stage":            {"prod", "GET /a", "/a", "/a"},
		"a route called as the stage, no prefix":    {"api", "GET /api/a", "/api/a", "/api/a"},
		"a route called as the stage, with prefix":  {"api", "GET /api/a", "/api/api/a", "/api/a"},
		"the default route":                         {"prod", "$default", "/prod/a", "/a"},
		"an empty path is the root":                 {"$default", "GET /", "", "/"},
		"nothing is decoded a second time":          {"prod", "GET /a/{id}", "/prod/a/b%2Fc", "/a/b%2Fc"},
		"a double slash behind the stage is nobody": {"prod", "$default", "/prod//evil", "//evil"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := event(func(e *events.APIGatewayV2HTTPRequest) {
				e.RequestContext.Stage, e.RouteKey, e.RawPath = c.stage, c.route, c.path
			})
			_, saw, err := call(ours, e, func(_ http.ResponseWriter, r *http.Request) string { return r.URL.Path })
			if err != nil || saw != c.want {
				t.Errorf("the handler saw %q (%v), want %q", saw, err, c.want)
			}
		})
	}
}

func TestPercentSignReachesThePattern(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /a/{id}", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.PathValue("id")) })
	answer, err := lambda.Proxy(mux)(context.Background(), event(func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "/a/b%2Fc%" }))
	if err != nil || answer.Body != "b%2Fc%" {
		t.Errorf("answer %d %q, error %v", answer.StatusCode, answer.Body, err)
	}
}

func TestBody(t *testing.T) {
	t.Parallel()
	binary := []byte{0xff, 0x00, 0xfe}
	for name, c := range map[string]struct {
		body   string
		base64 bool
		status int
		want   []byte
	}{
		"text":                        {`{"a":1}`, false, 200, []byte(`{"a":1}`)},
		"base64 is raw bytes":         {base64.StdEncoding.EncodeToString(binary), true, 200, binary},
		"base64 that is none":         {"!!!", true, 400, nil},
		"as large as allowed":         {strings.Repeat("x", lambda.MaxBody), false, 200, bytes.Repeat([]byte("x"), lambda.MaxBody)},
		"larger than allowed":         {strings.Repeat("x", lambda.MaxBody+1), false, 413, nil},
		"larger than allowed, base64": {base64.StdEncoding.EncodeToString(make([]byte, lambda.MaxBody+1)), true, 413, nil},
		"largest, base64":             {base64.StdEncoding.EncodeToString(make([]byte, lambda.MaxBody)), true, 200, make([]byte, lambda.MaxBody)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := event(func(e *events.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = c.body, c.base64 })
			called := false
			answer, saw, err := call(ours, e, func(_ http.ResponseWriter, r *http.Request) string {
				called = true
				body, err := io.ReadAll(r.Body)
				if err != nil || r.ContentLength != int64(len(body)) {
					t.Errorf("content length %d of %d, error %v", r.ContentLength, len(body), err)
				}
				return string(body)
			})
			if err != nil || answer.StatusCode != c.status || saw != string(c.want) {
				t.Errorf("answer %d, saw %d bytes, error %v", answer.StatusCode, len(saw), err)
			}
			if c.status != 200 {
				checkError(t, answer)
				if called {
					t.Error("the handler was called")
				}
			}
		})
	}
}

// checkError holds an answer against the contract's error shape.
func checkError(t *testing.T, answer events.APIGatewayV2HTTPResponse) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal([]byte(answer.Body), &body); err != nil {
		t.Fatalf("body %q: %v", answer.Body, err)
	}
	if got := slices.Sorted(maps.Keys(body)); !slices.Equal(got, []string{"code", "error", "message", "request_id", "success", "timestamp"}) {
		t.Errorf("fields %v", got)
	}
	if body["success"] != false || body["request_id"] != "request-1" || answer.Headers["Content-Type"] != "application/json" {
		t.Errorf("body %v, headers %v", body, answer.Headers)
	}
	if _, err := time.Parse(time.RFC3339, fmt.Sprint(body["timestamp"])); err != nil {
		t.Error(err)
	}
	return body
}

func TestPanicAnswers500AndLogsTheStack(t *testing.T) { // not parallel: it looks at the default logger
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	answer, _, err := call(ours, event(nil), func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Set("X-Half", "done")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "half an ans")
		panic("secret detail")
	})
	if err != nil || answer.StatusCode != http.StatusInternalServerError {
		t.Fatalf("answer %d, error %v", answer.StatusCode, err)
	}
	checkError(t, answer)
	if strings.Contains(answer.Body, "secret") || strings.Contains(answer.Body, "half") || answer.Headers["X-Half"] != "" {
		t.Errorf("the answer tells too much: %v %s", answer.Headers, answer.Body)
	}
	if got := log.String(); !strings.Contains(got, "secret detail") || !strings.Contains(got, "http_test.go") || !strings.Contains(got, "request-1") {
		t.Errorf("the log tells too little: %s", got)
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	answer, _, err := call(ours, event(nil), func(w http.ResponseWriter, _ *http.Request) string {
		w.Header().Add("Set-Cookie", "a=1; Expires=Tue, 24 Nov 2026 09:00:00 GMT")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Set("Last-Modified", "Tue, 24 Nov 2026 09:00:00 GMT")
		_, _ = w.Write([]byte{0xff, 0xfe})
		return ""
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a=1; Expires=Tue, 24 Nov 2026 09:00:00 GMT", "b=2"}; !slices.Equal(answer.Cookies, want) {
		t.Errorf("cookies %q", answer.Cookies)
	}
	if answer.Headers["Set-Cookie"] != "" || answer.Headers["Last-Modified"] != "Tue, 24 Nov 2026 09:00:00 GMT" {
		t.Errorf("headers %q", answer.Headers)
	}
	if body, _ := base64.StdEncoding.DecodeString(answer.Body); !answer.IsBase64Encoded || !bytes.Equal(body, []byte{0xff, 0xfe}) {
		t.Errorf("body %q", answer.Body)
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	e := event(func(e *events.APIGatewayV2HTTPRequest) {
		e.Headers["x-forwarded-for"] = "203.0.113.9"
		e.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{Lambda: map[string]any{"client": "c1"}}
	})
	deadline := time.Date(2099, 1, 2, 3, 4, 5, 0, time.UTC)
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	called := false
	_, err := lambda.Proxy(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		called = true
		ctx := r.Context()
		if got, _ := ctx.Deadline(); !got.Equal(deadline) {
			t.Errorf("deadline %v", got)
		}
		if invocation.RequestID(ctx) != "request-1" || invocation.SourceIP(ctx) != "192.0.2.7" || invocation.Authorization(ctx)["client"] != "c1" {
			t.Errorf("request id %q, source %q, authorization %v", invocation.RequestID(ctx), invocation.SourceIP(ctx), invocation.Authorization(ctx))
		}
	}))(ctx, e)
	if err != nil || !called {
		t.Errorf("called %v, error %v", called, err)
	}

	empty := context.Background()
	if invocation.RequestID(empty) != "" || invocation.SourceIP(empty) != "" || invocation.Authorization(empty) != nil {
		t.Error("an empty context says something")
	}
	within := lambdacontext.NewContext(empty, &lambdacontext.LambdaContext{AwsRequestID: "invocation-1"})
	if got := invocation.RequestID(within); got != "invocation-1" {
		t.Errorf("request id %q outside of a request", got)
	}
}

// TestAnyRequestArrivesAsSent: whatever path, query and header values arrive, the handler sees just those, and answers 200.
func TestAnyRequestArrivesAsSent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		path := "/" + rapid.String().Draw(t, "path")
		query, value := rapid.String().Draw(t, "query"), rapid.String().Draw(t, "value")
		e := event(func(e *events.APIGatewayV2HTTPRequest) {
			e.RawPath, e.RawQueryString, e.Headers["x-any"] = path, query, value
			e.RequestContext.DomainName = rapid.String().Draw(t, "domain")
		})
		answer, _, err := call(ours, e, func(_ http.ResponseWriter, r *http.Request) string {
			if r.URL.Path != path {
				t.Errorf("path %q, want %q", r.URL.Path, path)
			}
			if r.URL.RawQuery != query || r.Header.Get("X-Any") != value {
				t.Errorf("query %q, value %q", r.URL.RawQuery, r.Header.Get("X-Any"))
			}
			return ""
		})
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("answer %d, error %v", answer.StatusCode, err)
		}
	})
}
