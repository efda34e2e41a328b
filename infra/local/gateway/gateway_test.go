package gateway_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/act-platform/enhanced-integration/infra/local/gateway"
	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
	"github.com/act-platform/enhanced-integration/infra/local/template"
)

// invoker is a function from event to payload.
type invoker func(ctx context.Context, function string, event []byte) (lambdahost.Result, error)

func (f invoker) Invoke(ctx context.Context, function string, event []byte) (lambdahost.Result, error) {
	return f(ctx, function, event)
}

// echo returns the event itself, as the body of an answer that says which function made it.
func echo(_ context.Context, function string, event []byte) (lambdahost.Result, error) {
	payload, err := json.Marshal(map[string]any{"statusCode": 200, "headers": map[string]string{"X-Function": function}, "body": string(event)})
	return lambdahost.Result{Payload: payload}, err
}

// says always gives payload.
func says(payload string) invoker {
	return func(context.Context, string, []byte) (lambdahost.Result, error) {
		return lambdahost.Result{Payload: []byte(payload)}, nil
	}
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func serve(t *testing.T, config gateway.Config) string {
	t.Helper()
	if config.API.Stage == "" {
		config.API.Stage = "$default"
	}
	config.Region, config.AccountID, config.NewID = "eu-west-1", "000000000000", func() string { return "id" }
	if config.Timeout == 0 {
		config.Timeout = 30 * time.Second
	}
	if config.Now == nil {
		config.Now = func() time.Time { return noon }
	}
	g, err := gateway.New(config)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return server.URL
}

func routes(keys ...string) []template.Function {
	var functions []template.Function
	for _, key := range keys {
		method, path, _ := strings.Cut(key, " ")
		functions = append(functions, template.Function{Name: key, Routes: []template.Route{{Method: method, Path: path}}})
	}
	return functions
}

func send(t *testing.T, request *http.Request) (*http.Response, string) {
	t.Helper()
	response, err := http.DefaultTransport.RoundTrip(request) //nolint:forbidigo // no redirects, and the test has a time limit
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func request(t *testing.T, method, url, body string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	url := serve(t, gateway.Config{Invoker: invoker(echo), Functions: routes(
		"ANY /things/{id}", "GET /things", "GET /things/{id}", "GET /things/new", "POST /things", "ANY /things/{id}/parts/{rest+}",
		"GET /things/{id}/parts/one", "HEAD /things",
	)})
	for name, c := range map[string]struct{ method, path, want string }{ // want "": 404
		"a text":                          {"GET", "/things", "GET /things"},
		"another method":                  {"POST", "/things", "POST /things"},
		"a method without a route":        {"DELETE", "/things", ""},
		"HEAD is not GET":                 {"HEAD", "/things", "HEAD /things"},
		"OPTIONS without CORS":            {"OPTIONS", "/things", ""},
		"a variable":                      {"GET", "/things/7", "GET /things/{id}"},
		"a text before a variable":        {"GET", "/things/new", "GET /things/new"},
		"any method":                      {"DELETE", "/things/7", "ANY /things/{id}"},
		"any method, though a text's":     {"DELETE", "/things/new", "ANY /things/{id}"},
		"the rest":                        {"GET", "/things/7/parts/a/b", "ANY /things/{id}/parts/{rest+}"},
		"a text before the rest":          {"GET", "/things/7/parts/one", "GET /things/{id}/parts/one"},
		"an empty rest":                   {"GET", "/things/7/parts/", ""},
		"an empty variable":               {"GET", "/things/", ""},
		"a slash too much":                {"GET", "//things", ""},
		"a slash at the end":              {"GET", "/things/7/", ""},
		"another case":                    {"GET", "/Things", ""},
		"nothing":                         {"GET", "/", ""},
		"an escaped slash is no boundary": {"GET", "/things/a%2Fb", "GET /things/{id}"},
		"an escaped text":                 {"GET", "/th%69ngs", "GET /things"},
		"dots are nothing special":        {"GET", "/things/../things", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request(t, c.method, url, "")
			r.URL.Path, r.URL.RawPath, r.URL.Opaque = "", "", c.path
			response, body := send(t, r)
			if c.want == "" {
				if response.StatusCode != http.StatusNotFound || body != `{"message":"Not Found"}` || response.Header.Get("Content-Type") != "application/json" {
					t.Errorf("answer %d %s", response.StatusCode, body)
				}
				return
			}
			if got := response.Header.Get("X-Function"); got != c.want {
				t.Errorf("route %q, want %q", got, c.want)
			}
		})
	}
}

func TestDefaultRoute(t *testing.T) {
	t.Parallel()
	functions := append(routes("GET /things"), template.Function{Name: "rest", Routes: []template.Route{{}}})
	url := serve(t, gateway.Config{Invoker: invoker(echo), Functions: functions})
	for path, want := range map[string]string{"/things": "GET /things", "/other/x": "rest", "/": "rest"} {
		response, body := send(t, request(t, "GET", url+path, ""))
		if got := response.Header.Get("X-Function"); got != want {
			t.Errorf("%s: %q", path, got)
		}
		if want == "rest" && !strings.Contains(body, `"routeKey":"$default"`) {
			t.Errorf("event %s", body)
		}
	}
}

func TestPathsThatAreNoRoutes(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/{}", "/{a", "/a}", "/{rest+}/more", "/x{a}", "/{a}{b}"} {
		if _, err := gateway.New(gateway.Config{Functions: routes("GET " + path)}); err == nil {
			t.Errorf("%s was taken", path)
		}
	}
}

func TestEvent(t *testing.T) {
	t.Parallel()
	url := serve(t, gateway.Config{Invoker: invoker(echo), Functions: routes("POST /things/{id}/{rest+}")})
	r := request(t, "POST", url+"/things/a%2Fb/c%20d/%C3%A4?q=1&q=2&s=x%20y&e&bad=%zz", `{"a":1}`,
		"X-Signature", "t=1,v1=abc", "X-Twice", "one", "X-Twice", "two", "Cookie", "a=1; b=2", "Cookie", "c=3",
		"Content-Type", "application/json", "User-Agent", "test", "X-Forwarded-For", "203.0.113.9", "Accept-Encoding", "identity")
	r.Host = "api.test:4000"
	_, body := send(t, r)
	var got events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	key := "POST /things/{id}/{rest+}"
	want := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: key, RawPath: "/things/a/b/c d/ä", RawQueryString: "q=1&q=2&s=x%20y&e&bad=%zz",
		Cookies: []string{"a=1", "b=2", "c=3"},
		Headers: map[string]string{
			"host": "api.test:4000", "x-signature": "t=1,v1=abc", "x-twice": "one,two", "content-type": "application/json",
			"content-length": "7", "user-agent": "test", "x-forwarded-for": "203.0.113.9, 127.0.0.1", "x-forwarded-proto": "http",
			"x-forwarded-port": "4000", "accept-encoding": "identity",
		},
		QueryStringParameters: map[string]string{"q": "1,2", "s": "x y", "e": ""},
		PathParameters:        map[string]string{"id": "a/b", "rest": "c d/ä"},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: key, AccountID: "000000000000", Stage: "$default", RequestID: "id", APIID: "local",
			DomainName: "api.test", DomainPrefix: "api", Time: "24/Nov/2026:12:00:00 +0000", TimeEpoch: noon.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: "POST", Path: "/things/a/b/c d/ä", Protocol: "HTTP/1.1", SourceIP: "127.0.0.1", UserAgent: "test",
			},
		},
		Body: `{"a":1}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	url := serve(t, gateway.Config{Invoker: invoker(echo), Functions: routes("POST /")})
	for name, c := range map[string]struct {
		body    string
		headers []string
		encoded bool
	}{
		"JSON":                     {`{"ä":1}`, []string{"Content-Type", "application/json; charset=utf-8"}, false},
		"text":                     {"x", []string{"Content-Type", "text/csv"}, false},
		"XML":                      {"<x/>", []string{"Content-Type", "application/xml"}, false},
		"a form":                   {"a=1", []string{"Content-Type", "application/x-www-form-urlencoded"}, true},
		"compressed JSON":          {"x", []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}, true},
		"bytes":                    {"\xff\x00", []string{"Content-Type", "application/octet-stream"}, true},
		"JSON that is no UTF-8":    {"\"\xff\"", []string{"Content-Type", "application/json"}, true},
		"a type that is none":      {"x", []string{"Content-Type", ";;"}, true},
		"no type":                  {"x", nil, false},
		"nothing, of another type": {"", []string{"Content-Type", "image/png"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, body := send(t, request(t, "POST", url, c.body, c.headers...))
			var got events.APIGatewayV2HTTPRequest
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatal(err)
			}
			want := c.body
			if c.encoded {
				want = base64.StdEncoding.EncodeToString([]byte(c.body))
			}
			if got.Body != want || got.IsBase64Encoded != c.encoded {
				t.Errorf("body %q, encoded %v", got.Body, got.IsBase64Encoded)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	internal := `{"message":"Internal Server Error"}`
	for name, c := range map[string]struct {
		payload string
		status  int
		body    string
		headers map[string]string // of the answer, among others
	}{
		"a whole one": {
			`{"statusCode":201,"headers":{"content-type":"a/b","X-N":5,"X-B":true},"body":"x"}`, 201, "x",
			map[string]string{"Content-Type": "a/b", "X-N": "5", "X-B": "true", "Apigw-Requestid": "id"},
		},
		"no type":                     {`{"statusCode":200,"body":"x"}`, 200, "x", map[string]string{"Content-Type": "text/plain; charset=utf-8"}},
		"base64":                      {`{"statusCode":200,"body":"/wA=","isBase64Encoded":true}`, 200, "\xff\x00", nil},
		"a body of null":              {`{"statusCode":204,"body":null}`, 204, "", nil},
		"a Go function's null list":   {`{"statusCode":200,"headers":null,"multiValueHeaders":null,"body":"x","cookies":[]}`, 200, "x", nil},
		"the server's own headers":    {`{"statusCode":200,"headers":{"Content-Length":"999","Connection":"close","transfer-encoding":"x"},"body":"x"}`, 200, "x", map[string]string{"Content-Length": "1", "Connection": ""}},
		"JSON without a status":       {`{"hello":"world"}`, 200, `{"hello":"world"}`, map[string]string{"Content-Type": "application/json"}},
		"a text without a status":     {`"hello"`, 200, `"hello"`, map[string]string{"Content-Type": "application/json"}},
		"null":                        {`null`, 200, `null`, nil},
		"no JSON":                     {`hello`, 500, internal, map[string]string{"Content-Type": "application/json"}},
		"nothing":                     {``, 500, internal, nil},
		"a status that is none":       {`{"statusCode":"ok"}`, 500, internal, nil},
		"a status out of range":       {`{"statusCode":700}`, 500, internal, nil},
		"a broken status":             {`{"statusCode":200.5}`, 500, internal, nil},
		"a body that is no text":      {`{"statusCode":200,"body":{"a":1}}`, 500, internal, nil},
		"base64 that is none":         {`{"statusCode":200,"body":"!","isBase64Encoded":true}`, 500, internal, nil},
		"a header that is a list":     {`{"statusCode":200,"headers":{"X":["a"]}}`, 500, internal, nil},
		"CORS that the function does": {`{"statusCode":200,"headers":{"Access-Control-Allow-Origin":"*"},"body":""}`, 200, "", map[string]string{"Access-Control-Allow-Origin": "*"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := serve(t, gateway.Config{Invoker: says(c.payload), Functions: routes("GET /")})
			response, body := send(t, request(t, "GET", url, ""))
			if response.StatusCode != c.status || body != c.body {
				t.Errorf("answer %d %q, want %d %q", response.StatusCode, body, c.status, c.body)
			}
			for name, want := range c.headers {
				if got := response.Header.Get(name); got != want {
					t.Errorf("header %s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestCookies(t *testing.T) {
	t.Parallel()
	url := serve(t, gateway.Config{Invoker: says(`{"statusCode":200,"cookies":["a=1; Expires=Tue, 24 Nov 2026 09:00:00 GMT","b=2"]}`), Functions: routes("GET /")})
	response, _ := send(t, request(t, "GET", url, ""))
	if got := response.Header.Values("Set-Cookie"); !slices.Equal(got, []string{"a=1; Expires=Tue, 24 Nov 2026 09:00:00 GMT", "b=2"}) {
		t.Errorf("cookies %q", got)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	fails := func(result lambdahost.Result, err error) invoker {
		return func(context.Context, string, []byte) (lambdahost.Result, error) { return result, err }
	}
	slow := func(ctx context.Context, _ string, _ []byte) (lambdahost.Result, error) {
		<-ctx.Done()
		return lambdahost.Result{}, context.Cause(ctx)
	}
	for name, c := range map[string]struct {
		invoker invoker
		body    int
		status  int
		want    string
	}{
		"the function fails":          {fails(lambdahost.Result{Payload: []byte(`{"errorMessage":"secret"}`), Failed: true}, nil), 0, 500, "Internal Server Error"},
		"the function is throttled":   {fails(lambdahost.Result{}, lambdahost.ErrThrottled), 0, 503, "Service Unavailable"},
		"the function takes too long": {slow, 0, 503, "Service Unavailable"},
		"the event is too large":      {fails(lambdahost.Result{}, fmt.Errorf("host: %w", lambdahost.ErrTooLarge)), 0, 413, "Request Entity Too Large"},
		"the body is too large":       {echo, gateway.MaxBody + 1, 413, "Request Entity Too Large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := serve(t, gateway.Config{Invoker: c.invoker, Functions: routes("POST /"), Timeout: 50 * time.Millisecond})
			response, body := send(t, request(t, "POST", url, strings.Repeat("x", c.body)))
			if response.StatusCode != c.status || body != `{"message":"`+c.want+`"}` {
				t.Errorf("answer %d %s", response.StatusCode, body)
			}
		})
	}
}

func TestStage(t *testing.T) {
	t.Parallel()
	url := serve(t, gateway.Config{API: template.API{Stage: "prod"}, Invoker: invoker(echo), Functions: routes("GET /things")})
	response, body := send(t, request(t, "GET", url+"/prod/things", ""))
	if response.StatusCode != http.StatusOK || !strings.Contains(body, `"rawPath":"/prod/things"`) || !strings.Contains(body, `"stage":"prod"`) {
		t.Errorf("answer %d %s", response.StatusCode, body)
	}
	for _, path := range []string{"/things", "/production/things", "/prod"} {
		if response, _ := send(t, request(t, "GET", url+path, "")); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, response.StatusCode)
		}
	}
}

// TestChunksThatAreNone: a client that breaks off in the middle of its body gets an answer, and no function is called.
func TestChunksThatAreNone(t *testing.T) {
	t.Parallel()
	called := make(chan bool, 1)
	url := serve(t, gateway.Config{Functions: routes("POST /"), Invoker: invoker(func(context.Context, string, []byte) (lambdahost.Result, error) {
		called <- true
		return lambdahost.Result{}, errors.New("called")
	})})
	connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	fmt.Fprint(connection, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusBadRequest || len(called) > 0 {
		t.Errorf("answer %d, called %v", response.StatusCode, len(called) > 0)
	}
}
