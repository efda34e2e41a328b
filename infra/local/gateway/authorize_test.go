package gateway_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/act-platform/enhanced-integration/infra/local/gateway"
	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
	"github.com/act-platform/enhanced-integration/infra/local/template"
)

// guarded is a route behind the authorizer "who", whose function "decide" is authorize.
func guarded(authorizer template.Authorizer, authorize invoker) gateway.Config {
	authorizer.Function = "decide"
	return gateway.Config{
		API:       template.API{Authorizers: map[string]template.Authorizer{"who": authorizer}},
		Functions: []template.Function{{Name: "thing", Routes: []template.Route{{Method: "GET", Path: "/things/{id}", Authorizer: "who"}, {Method: "GET", Path: "/open"}}}},
		Invoker: invoker(func(ctx context.Context, function string, event []byte) (lambdahost.Result, error) {
			if function == "decide" {
				return authorize(ctx, function, event)
			}
			return echo(ctx, function, event)
		}),
	}
}

func TestAuthorizer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		authorize invoker
		status    int
		body      string // part of the answer's
	}{
		"admitted":            {says(`{"isAuthorized":true,"context":{"client":"c1","level":3}}`), 200, `"authorizer":{"lambda":{"client":"c1","level":3}}`},
		"admitted, no more":   {says(`{"isAuthorized":true}`), 200, `"authorizer":{}`},
		"refused":             {says(`{"isAuthorized":false,"context":{"client":"c1"}}`), 403, `{"message":"Forbidden"}`},
		"an answer of nobody": {says(`{"principalId":"x"}`), 500, `{"message":"Internal Server Error"}`},
		"no JSON":             {says(`yes`), 500, `{"message":"Internal Server Error"}`},
		"a list":              {says(`[true]`), 500, `{"message":"Internal Server Error"}`},
		"the authorizer fails": {func(context.Context, string, []byte) (lambdahost.Result, error) {
			return lambdahost.Result{Failed: true, Payload: []byte(`{}`)}, nil
		}, 500, `{"message":"Internal Server Error"}`},
		"the authorizer is throttled": {func(context.Context, string, []byte) (lambdahost.Result, error) {
			return lambdahost.Result{}, lambdahost.ErrThrottled
		}, 500, `{"message":"Internal Server Error"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := serve(t, guarded(template.Authorizer{}, c.authorize))
			response, body := send(t, request(t, "GET", url+"/things/7", ""))
			if response.StatusCode != c.status || !strings.Contains(body, c.body) {
				t.Errorf("answer %d %s", response.StatusCode, body)
			}
			if response, _ := send(t, request(t, "GET", url+"/open", "")); response.StatusCode != http.StatusOK {
				t.Errorf("the public route answers %d", response.StatusCode)
			}
		})
	}
}

func TestAuthorizerEvent(t *testing.T) {
	t.Parallel()
	var got events.APIGatewayV2CustomAuthorizerV2Request
	url := serve(t, guarded(template.Authorizer{IdentitySources: []string{"$request.header.X-API-Key", "$request.querystring.q"}},
		func(_ context.Context, _ string, event []byte) (lambdahost.Result, error) {
			return lambdahost.Result{Payload: []byte(`{"isAuthorized":true}`)}, json.Unmarshal(event, &got)
		}))
	send(t, request(t, "GET", url+"/things/7?q=1", "", "X-Api-Key", "secret", "Cookie", "a=1"))
	if got.Version != "2.0" || got.Type != "REQUEST" || got.RouteKey != "GET /things/{id}" || got.RawPath != "/things/7" ||
		got.RawQueryString != "q=1" || got.Headers["x-api-key"] != "secret" || got.PathParameters["id"] != "7" || got.RequestContext.RequestID != "id" {
		t.Errorf("event %+v", got)
	}
	if !slices.Equal(got.IdentitySource, []string{"secret", "1"}) || !slices.Equal(got.Cookies, []string{"a=1"}) {
		t.Errorf("identity source %q, cookies %q", got.IdentitySource, got.Cookies)
	}
	if got.RouteArn != "arn:aws:execute-api:eu-west-1:000000000000:local/$default/GET/things/%7Bid%7D" {
		t.Errorf("route ARN %s", got.RouteArn)
	}
}

func TestIdentitySources(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	count := func(_ context.Context, _ string, _ []byte) (lambdahost.Result, error) {
		asked.Add(1)
		return lambdahost.Result{Payload: []byte(`{"isAuthorized":true}`)}, nil
	}
	url := serve(t, guarded(template.Authorizer{IdentitySources: []string{"$request.header.X-API-Key"}}, count))
	for _, headers := range [][]string{nil, {"X-API-Key", ""}} {
		response, body := send(t, request(t, "GET", url+"/things/7", "", headers...))
		if response.StatusCode != http.StatusUnauthorized || body != `{"message":"Unauthorized"}` || asked.Load() != 0 {
			t.Errorf("answer %d %s, asked %d times", response.StatusCode, body, asked.Load())
		}
	}
}

// TestAnswersAreKept: as long as the template says, by identity and not by route; never without identity sources.
func TestAnswersAreKept(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	authorize := func(_ context.Context, _ string, event []byte) (lambdahost.Result, error) {
		asked.Add(1)
		if strings.Contains(string(event), `"x-api-key":"good"`) {
			return lambdahost.Result{Payload: []byte(`{"isAuthorized":true}`)}, nil
		}
		return lambdahost.Result{Payload: []byte(`{"isAuthorized":false}`)}, nil
	}
	var mu sync.Mutex
	now := noon
	config := guarded(template.Authorizer{IdentitySources: []string{"$request.header.X-API-Key"}, TTL: time.Minute}, authorize)
	config.Now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	url := serve(t, config)
	for i, c := range []struct {
		key, path string
		advance   time.Duration
		status    int
		asked     int64
	}{
		{"good", "/things/1", 0, 200, 1},
		{"good", "/things/2", 0, 200, 1},
		{"bad", "/things/1", 0, 403, 2},
		{"bad", "/things/1", 0, 403, 2},
		{"good", "/things/1", 59 * time.Second, 200, 2},
		{"good", "/things/1", time.Second, 200, 3},
	} {
		mu.Lock()
		now = now.Add(c.advance)
		mu.Unlock()
		response, _ := send(t, request(t, "GET", url+c.path, "", "X-API-Key", c.key))
		if response.StatusCode != c.status || asked.Load() != c.asked {
			t.Errorf("step %d: answer %d, asked %d times", i, response.StatusCode, asked.Load())
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	one := template.CORS{
		AllowOrigins: []string{"https://app.test"}, AllowMethods: []string{"GET", "POST"}, AllowHeaders: []string{"x-api-key"},
		ExposeHeaders: []string{"x-total"}, AllowCredentials: true, MaxAge: 10 * time.Minute,
	}
	for name, c := range map[string]struct {
		cors    template.CORS
		method  string
		headers []string
		status  int
		want    map[string]string
	}{
		"a preflight request": {one, "OPTIONS", []string{"Origin", "https://app.test", "Access-Control-Request-Method", "POST"}, 204, map[string]string{
			"Access-Control-Allow-Origin": "https://app.test", "Access-Control-Allow-Methods": "GET,POST", "Access-Control-Allow-Headers": "x-api-key",
			"Access-Control-Max-Age": "600", "Access-Control-Allow-Credentials": "true", "Vary": "Origin",
		}},
		"a preflight request of somebody else": {one, "OPTIONS", []string{"Origin", "https://evil.test", "Access-Control-Request-Method", "POST"}, 204, map[string]string{
			"Access-Control-Allow-Origin": "", "Access-Control-Allow-Methods": "",
		}},
		"a request": {one, "GET", []string{"Origin", "https://app.test"}, 200, map[string]string{
			"Access-Control-Allow-Origin": "https://app.test", "Access-Control-Expose-Headers": "x-total", "Access-Control-Allow-Methods": "",
		}},
		"a request of somebody else":   {one, "GET", []string{"Origin", "https://evil.test"}, 200, map[string]string{"Access-Control-Allow-Origin": ""}},
		"a request of no browser":      {one, "GET", nil, 200, map[string]string{"Access-Control-Allow-Origin": ""}},
		"everybody":                    {template.CORS{AllowOrigins: []string{"*"}}, "GET", []string{"Origin", "https://any.test"}, 200, map[string]string{"Access-Control-Allow-Origin": "*", "Vary": ""}},
		"OPTIONS that is no preflight": {one, "OPTIONS", nil, 404, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The function's own word does not count.
			payload := `{"statusCode":200,"headers":{"access-control-allow-origin":"https://evil.test"},"body":"x"}`
			url := serve(t, gateway.Config{API: template.API{CORS: &c.cors}, Invoker: says(payload), Functions: routes("GET /")})
			response, _ := send(t, request(t, c.method, url, "", c.headers...))
			if response.StatusCode != c.status {
				t.Errorf("answer %d", response.StatusCode)
			}
			for name, want := range c.want {
				if got := response.Header.Get(name); got != want {
					t.Errorf("header %s is %q, want %q", name, got, want)
				}
			}
		})
	}
}
