package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// sentSpan is a span as a collector is sent it.
type sentSpan struct {
	TraceID, SpanID, ParentSpanID, Name, function string
	Attributes                                    []struct {
		Key   string
		Value struct{ StringValue, IntValue string }
	}
}

// collector takes spans of functions that have its key.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	spans map[string]sentSpan // by id
	body  strings.Builder
}

const collectorKey = "collectors-key-0123456789"

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{spans: map[string]sentSpan{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var sent struct {
			ResourceSpans []struct {
				Resource   sentSpan
				ScopeSpans []struct{ Spans []sentSpan }
			}
		}
		if r.URL.Path != "/v1/traces" || r.Header.Get("Api-Key") != collectorKey {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		var raw json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&raw); err != nil || json.Unmarshal(raw, &sent) != nil {
			t.Errorf("%s: %v", raw, err)
		}
		c.body.Write(raw)
		for _, resource := range sent.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				for _, span := range scope.Spans {
					span.function = resource.Resource.attribute("faas.name")
					c.spans[span.SpanID] = span
				}
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func (s sentSpan) attribute(key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.StringValue + a.Value.IntValue
		}
	}
	return ""
}

// path returns the names from a span to where its trace came from, with the function's where it is another one's; "" while a part of it is missing.
func (c *collector) path(s sentSpan, origin string) string {
	name := s.function + ": " + s.Name
	if s.ParentSpanID == origin {
		return name
	}
	parent, known := c.spans[s.ParentSpanID]
	if !known {
		return ""
	}
	above := c.path(parent, origin)
	if above == "" {
		return ""
	}
	if parent.function == s.function {
		name = s.Name
	}
	return above + " > " + name
}

// paths returns what of a trace has arrived, and is joined to its origin.
func (c *collector) paths(trace, origin string) map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	paths := map[string]bool{}
	for _, s := range c.spans {
		if s.TraceID == trace {
			paths[c.path(s, origin)] = true
		}
	}
	return paths
}

// TestOneTrace: a caller's trace goes through the built functions, from the request over the queues to the calls to Notion, Postgres, AWS and a
// subscriber, and neither of those others hears of it.
func TestOneTrace(t *testing.T) {
	t.Parallel()
	const trace, origin = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	spans, delivered := newCollector(t), make(chan http.Header, 100)
	subscriber := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case delivered <- r.Header:
		default:
		}
	}))
	defer subscriber.Close()
	u := arrive(t, "SYNC_SCHEDULE=rate(1 day)", "LOG_FORMAT=json", "OTEL_EXPORTER_OTLP_ENDPOINT="+spans.URL, "OTEL_EXPORTER_OTLP_HEADERS=api-key="+collectorKey)
	if status, answer := u.send(t, "POST", u.api("/events/subscribe"), `{"callback_url":"`+subscriber.URL+`","event_types":["sync_*"]}`); status != http.StatusCreated {
		t.Fatalf("subscribe: %d %s", status, answer)
	}
	trigger, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.api("/sync/trigger"), strings.NewReader(`{"type":"full","databases":["partners"]}`))
	if err != nil {
		t.Fatal(err)
	}
	trigger.Header.Set("X-API-Key", u.env["API_KEY"])
	trigger.Header.Set("Traceparent", "00-"+trace+"-"+origin+"-01")
	client := http.Client{Timeout: time.Minute, Transport: promised}
	defer client.CloseIdleConnections()
	answer, err := client.Do(trigger)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		t.Fatalf("trigger: %s", answer.Status)
	}
	const worker = "sync-trigger: POST sync-trigger > sync-worker: sync-worker"
	wanted := []string{
		"authorizer: authorizer",
		"sync-trigger: POST sync-trigger > Secrets Manager GetSecretValue",
		"sync-trigger: POST sync-trigger > SQS SendMessage",
		worker + " > sync part > sync list page > POST /v1/data_sources/{id}/query",
		worker + " > sync part > sync settle > sync commit > insert",
		worker + " > event-relay: event-relay > webhook-deliver: webhook-deliver > POST subscriber",
	}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	missing := func(path string) bool {
		for known := range spans.paths(trace, origin) {
			if known == path || strings.HasPrefix(path, worker+" > event-relay") && strings.HasPrefix(known, worker) && strings.HasSuffix(known, strings.TrimPrefix(path, worker)) {
				return false
			}
		}
		return true
	}
	for deadline := time.After(30 * time.Second); slices.ContainsFunc(wanted, missing); {
		select {
		case <-deadline:
			t.Fatalf("missing %q in\n%s\n%s", slices.DeleteFunc(wanted, func(p string) bool { return !missing(p) }),
				strings.Join(slices.Sorted(maps.Keys(spans.paths(trace, origin))), "\n"), u.out)
		case <-ticker.C:
		}
	}
	if of := u.ask(t, `select string_agg(distinct coalesce(trace_id, 'none'), ' ') from integration.events where type = 'sync_started'`); of != trace {
		t.Errorf("the sync began in trace %s", of)
	}
	if header := <-delivered; header.Get("Traceparent") != "" || strings.Contains(strings.ToLower(strings.Join(slices.Collect(maps.Keys(header)), " ")), "trace") {
		t.Errorf("the subscriber is told of the trace: %v", header)
	}
	if !strings.Contains(u.out.String(), trace) {
		t.Error("no log line names the trace")
	}
	spans.mu.Lock()
	defer spans.mu.Unlock()
	for _, s := range spans.spans {
		if s.Name == "sync part" && (s.attribute("sync.id") == "" || s.attribute("sync.kind") != "partners") {
			t.Errorf("%+v", s)
		}
	}
	for _, secret := range append(u.secrets(t), u.env["API_KEY"], collectorKey) {
		if strings.Contains(spans.body.String(), secret) || strings.Contains(u.out.String(), secret) {
			t.Errorf("a secret was sent or logged")
		}
	}
}
