package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// authorizer asks the Lambda authorizers and keeps their answers as long as the template says.
type authorizer struct {
	config *Config

	mu   sync.Mutex
	kept map[string]decision // by authorizer and identity sources: not by route, as on AWS
}

type decision struct {
	admitted bool
	context  map[string]any
	until    time.Time
}

// admit asks the authorizer called name and puts the context that it gives into event; an error refuses the request.
func (a *authorizer) admit(ctx context.Context, event *events.APIGatewayV2HTTPRequest, name string) error {
	declared := a.config.API.Authorizers[name]
	sources, ok := identify(declared.IdentitySources, event)
	if !ok {
		return errUnauthorized
	}
	key := fmt.Sprintf("%q %q", name, sources)
	d, ok := a.recall(key)
	if !ok {
		var err error
		if d, err = a.ask(ctx, event, declared.Function, sources); err != nil {
			return err
		}
		if declared.TTL > 0 {
			a.keep(key, d, declared.TTL)
		}
	}
	if !d.admitted {
		return errForbidden
	}
	event.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{Lambda: d.context}
	return nil
}

// identify returns the values of the identity sources; ok is false when one is missing.
func identify(sources []string, event *events.APIGatewayV2HTTPRequest) (values []string, ok bool) {
	for _, source := range sources {
		var value string
		if name, ok := strings.CutPrefix(source, "$request.header."); ok {
			value = event.Headers[strings.ToLower(name)]
		} else if name, ok := strings.CutPrefix(source, "$request.querystring."); ok {
			value = event.QueryStringParameters[name]
		}
		if value == "" {
			return nil, false
		}
		values = append(values, value)
	}
	return values, true
}

// ask calls the authorizer's function. An answer that is none is an internal error, as on AWS.
func (a *authorizer) ask(ctx context.Context, event *events.APIGatewayV2HTTPRequest, function string, sources []string) (decision, error) {
	method, path, _ := strings.Cut(event.RouteKey, " ")
	request := events.APIGatewayV2CustomAuthorizerV2Request{
		Version: "2.0", Type: "REQUEST", IdentitySource: sources,
		RouteArn: fmt.Sprintf("arn:aws:execute-api:%s:%s:%s/%s/%s%s", a.config.Region, a.config.AccountID, event.RequestContext.APIID,
			event.RequestContext.Stage, method, (&url.URL{Path: path}).EscapedPath()),
		RouteKey: event.RouteKey, RawPath: event.RawPath, RawQueryString: event.RawQueryString, Cookies: event.Cookies,
		Headers: event.Headers, QueryStringParameters: event.QueryStringParameters, RequestContext: event.RequestContext,
		PathParameters: event.PathParameters,
	}
	payload, err := a.config.call(ctx, function, request)
	if err != nil {
		return decision{}, errInternal
	}
	var answer struct {
		IsAuthorized *bool
		Context      map[string]any
	}
	if err := json.Unmarshal(payload, &answer); err != nil || answer.IsAuthorized == nil {
		return decision{}, errInternal
	}
	return decision{admitted: *answer.IsAuthorized, context: answer.Context}, nil
}

func (a *authorizer) recall(key string) (decision, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	d, ok := a.kept[key]
	return d, ok && a.config.Now().Before(d.until)
}

// keep keeps a decision, and lets go of those that are old, so that callers who guess keys do not fill the memory for long.
func (a *authorizer) keep(key string, d decision, ttl time.Duration) {
	now := a.config.Now()
	d.until = now.Add(ttl)
	a.mu.Lock()
	defer a.mu.Unlock()
	for old, kept := range a.kept {
		if !now.Before(kept.until) {
			delete(a.kept, old)
		}
	}
	a.kept[key] = d
}
