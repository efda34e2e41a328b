package trace_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestParse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header string
		ok     bool
		want   string // where it is not the header itself
	}{
		"sampled":               {parent, true, ""},
		"not sampled":           {parent[:53] + "00", true, ""},
		"other flags":           {parent[:53] + "02", true, parent[:53] + "00"},
		"all flags":             {parent[:53] + "ff", true, parent},
		"a later version":       {"cc" + parent[2:], true, parent},
		"a later, longer one":   {"cc" + parent[2:] + "-what", true, parent},
		"longer, without dash":  {"cc" + parent[2:] + ".what", false, ""},
		"version 00, longer":    {parent + "-what", false, ""},
		"no version":            {"ff" + parent[2:], false, ""},
		"upper case":            {strings.ToUpper(parent), false, ""},
		"no trace":              {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false, ""},
		"no span":               {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false, ""},
		"no hexadecimal digits": {"00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01", false, ""},
		"other dashes":          {strings.ReplaceAll(parent, "-", "_"), false, ""},
		"too short":             {parent[:54], false, ""},
		"nothing":               {"", false, ""},
		"enormous":              {strings.Repeat("0", 1<<20), false, ""},
	} {
		got, ok := trace.Parse(c.header)
		want := c.want
		if want == "" {
			want = c.header
		}
		if ok != c.ok || ok && got.String() != want {
			t.Errorf("%s: %s, %v", name, got, ok)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		if c, ok := trace.Parse(rapid.String().Draw(t, "header")); ok && !c.Valid() {
			t.Fatalf("%+v", c)
		}
		c := trace.Context{TraceID: trace.ID{1}, SpanID: trace.SpanID{1}, Sampled: rapid.Bool().Draw(t, "sampled")}
		copy(c.TraceID[1:], rapid.SliceOfN(rapid.Byte(), 15, 15).Draw(t, "trace"))
		copy(c.SpanID[1:], rapid.SliceOfN(rapid.Byte(), 7, 7).Draw(t, "span"))
		if again, ok := trace.Parse(c.String()); !ok || again != c {
			t.Fatalf("%+v became %+v", c, again)
		}
	})
}

func TestBegin(t *testing.T) {
	t.Parallel()
	on := trace.From(trace.Begin(t.Context(), parent, rand.Reader))
	if on.TraceID.String() != "4bf92f3577b34da6a3ce929d0e0e4736" || on.SpanID.String() == "00f067aa0ba902b7" || !on.Valid() || !on.Sampled {
		t.Errorf("going on: %s", on)
	}
	one, two := trace.From(trace.Begin(t.Context(), "", rand.Reader)), trace.From(trace.Begin(t.Context(), "nonsense", rand.Reader))
	if !one.Valid() || !two.Valid() || one.TraceID == two.TraceID || one.Sampled {
		t.Errorf("beginning: %s, %s", one, two)
	}
	if none := trace.From(trace.Begin(t.Context(), "", strings.NewReader("short"))); none.Valid() || none.String() != "" {
		t.Errorf("without random: %s", none)
	}
}

func TestSampler(t *testing.T) {
	t.Parallel()
	low, high := trace.ID{8: 0x10}, trace.ID{8: 0xf0}
	for name, c := range map[string]struct {
		name, argument string
		ok             bool
		// a trace that begins, with a low and a high id, and one that goes on, not sampled and sampled
		want [4]bool
	}{
		"by default":          {"", "", true, [4]bool{true, true, false, true}},
		"parent, else on":     {"parentbased_always_on", "", true, [4]bool{true, true, false, true}},
		"parent, else off":    {"parentbased_always_off", "", true, [4]bool{false, false, false, true}},
		"parent, else a half": {"parentbased_traceidratio", "0.5", true, [4]bool{true, false, false, true}},
		"a half":              {"traceidratio", "0.5", true, [4]bool{true, false, true, true}},
		"a share of nothing":  {"traceidratio", "0", true, [4]bool{}},
		"a share of all":      {"traceidratio", "1", true, [4]bool{true, true, true, true}},
		"on":                  {"always_on", "", true, [4]bool{true, true, true, true}},
		"off":                 {"always_off", "", true, [4]bool{}},
		"another":             {"jaeger_remote", "", false, [4]bool{}},
		"no number":           {"traceidratio", "half", false, [4]bool{}},
		"more than all":       {"traceidratio", "1.5", false, [4]bool{}},
		"less than nothing":   {"traceidratio", "-0.1", false, [4]bool{}},
		"not a number at all": {"traceidratio", "NaN", false, [4]bool{}},
	} {
		sampler, ok := trace.ParseSampler(c.name, c.argument)
		if ok != c.ok {
			t.Errorf("%s: %v", name, ok)
		}
		if !ok {
			continue
		}
		if got := [4]bool{sampler(low, false, false), sampler(high, false, false), sampler(low, true, false), sampler(low, true, true)}; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// collector keeps what is exported, or fails.
type collector struct {
	mu    sync.Mutex
	spans []trace.Span
	calls int
	err   error
}

func (c *collector) Export(ctx context.Context, spans []trace.Span) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > time.Second || trace.Recording(ctx) {
		return errors.New("sending has no limit, or is recorded itself")
	}
	if c.err == nil {
		c.spans = append(c.spans, spans...)
	}
	return c.err
}

type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func recorder(t *testing.T, c *collector, log io.Writer) (*trace.Recorder, *clock) {
	t.Helper()
	sampler, _ := trace.ParseSampler("", "")
	at := &clock{time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
	return trace.New(trace.Config{Export: c, Sampler: sampler, Now: at.Now, Random: rand.Reader, Log: slog.New(slog.NewJSONHandler(log, nil))}), at
}

func begin(ctx context.Context, header string) context.Context {
	return trace.Begin(ctx, header, rand.Reader)
}

// TestSpans: each span names the one that it is in, across functions as well, and what a context says is what is sent.
func TestSpans(t *testing.T) {
	t.Parallel()
	c := &collector{}
	r, at := recorder(t, c, io.Discard)
	ctx, outer := r.Invocation(begin(t.Context(), ""), "POST f", trace.Server)
	inner, span := trace.Start(ctx, "part", trace.Internal)
	at.now = at.now.Add(time.Second)
	trace.Record(inner, "GET /v1", trace.Client, at.now.Add(-time.Millisecond), at.now, "unavailable", trace.Text("a", "b"), trace.Number("n", 5))
	onQueue := trace.From(inner).String()
	span.End("")
	outer.End("500")
	r.Flush(ctx)

	other, _ := recorder(t, c, io.Discard)
	ctx, third := other.Invocation(begin(t.Context(), onQueue), "worker", trace.Consumer)
	third.End("")
	other.Flush(ctx)
	if len(c.spans) != 4 || c.calls != 2 {
		t.Fatalf("%d spans in %d calls", len(c.spans), c.calls)
	}
	call, part, whole, worker := c.spans[0], c.spans[1], c.spans[2], c.spans[3]
	if whole.Parent != (trace.SpanID{}) || part.Parent != whole.SpanID || call.Parent != part.SpanID || worker.Parent != part.SpanID {
		t.Errorf("parents: %v", c.spans)
	}
	for _, s := range c.spans {
		if s.TraceID != whole.TraceID || !s.Sampled {
			t.Errorf("%s is of another trace", s.Name)
		}
	}
	if call.Failure != "unavailable" || len(call.Attributes) != 2 || call.Ended.Sub(call.Began) != time.Millisecond || whole.Ended.Sub(whole.Began) != time.Second || whole.Failure != "500" {
		t.Errorf("%+v", c.spans)
	}
	if ids := trace.From(ctx); ids != worker.Context {
		t.Errorf("the context says %s, the span %s", ids, worker.Context)
	}
}

// TestNothingIsRecorded: without a recorder, outside of an invocation and in a trace that nobody samples, and it costs nothing.
func TestNothingIsRecorded(t *testing.T) {
	c := &collector{}
	r, _ := recorder(t, c, io.Discard)
	for name, give := range map[string]func() (context.Context, *trace.Span){
		"no recorder": func() (context.Context, *trace.Span) {
			return (*trace.Recorder)(nil).Invocation(begin(t.Context(), parent), "f", trace.Server)
		},
		"no invocation": func() (context.Context, *trace.Span) { return r.Invocation(t.Context(), "f", trace.Server) },
		"not sampled": func() (context.Context, *trace.Span) {
			return r.Invocation(begin(t.Context(), parent[:53]+"00"), "f", trace.Server)
		},
		"outside": func() (context.Context, *trace.Span) { return trace.Outside(begin(t.Context(), parent)), nil },
	} {
		ctx, span := give()
		if span != nil || trace.Recording(ctx) {
			t.Errorf("%s: recorded", name)
		}
		span.Set(trace.Text("a", "b"))
		cost := testing.AllocsPerRun(10, func() {
			_, inner := trace.Start(ctx, "part", trace.Internal)
			inner.End("")
			trace.Record(ctx, "call", trace.Client, time.Time{}, time.Time{}, "")
		})
		span.End("")
		if cost != 0 {
			t.Errorf("%s: %v allocations", name, cost)
		}
	}
	(*trace.Recorder)(nil).Flush(t.Context())
	if r.Flush(t.Context()); c.calls != 0 {
		t.Errorf("%d calls of the collector", c.calls)
	}
}

// TestTooManySpans: a thousand an invocation are kept; one that is kept never names a parent that was not.
func TestTooManySpans(t *testing.T) {
	t.Parallel()
	c, log := &collector{}, &bytes.Buffer{}
	r, at := recorder(t, c, log)
	ctx, whole := r.Invocation(begin(t.Context(), ""), "f", trace.Server)
	for range 30 {
		part, span := trace.Start(ctx, "part", trace.Internal)
		for range 100 {
			trace.Record(part, "call", trace.Client, at.now, at.now, "")
		}
		span.End("")
	}
	whole.End("")
	r.Flush(ctx)
	known := map[trace.SpanID]bool{{}: true}
	for _, s := range c.spans {
		known[s.SpanID] = true
	}
	for _, s := range c.spans {
		if !known[s.Parent] {
			t.Fatalf("%s names a parent that was not sent", s.Name)
		}
	}
	if len(c.spans) != 1000 || !strings.Contains(log.String(), "spans were not recorded") {
		t.Errorf("%d spans; %s", len(c.spans), log)
	}
	ctx, whole = r.Invocation(begin(t.Context(), ""), "f", trace.Server)
	whole.End("")
	if r.Flush(ctx); len(c.spans) != 1001 {
		t.Error("the next invocation is not recorded")
	}
}

// TestCollectorAway: what cannot be sent is given up, the collector is left alone for half a minute, and then asked again.
func TestCollectorAway(t *testing.T) {
	t.Parallel()
	c, log := &collector{err: errors.New("away")}, &bytes.Buffer{}
	r, at := recorder(t, c, log)
	invoke := func() {
		ctx, span := r.Invocation(begin(t.Context(), ""), "f", trace.Server)
		span.End("")
		r.Flush(ctx)
	}
	invoke()
	at.now = at.now.Add(29 * time.Second)
	invoke()
	if c.calls != 1 || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("asked %d times, said %s", c.calls, log)
	}
	c.err = nil
	at.now = at.now.Add(time.Second)
	invoke()
	if c.calls != 2 || len(c.spans) != 1 {
		t.Errorf("asked %d times, %d spans", c.calls, len(c.spans))
	}
	c.err = errors.New("away")
	invoke()
	c.err = nil
	at.now = at.now.Add(-time.Hour) // a clock that is set back
	if invoke(); c.calls != 4 {
		t.Errorf("asked %d times", c.calls)
	}
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	ctx, span := r.Invocation(begin(ctx, ""), "f", trace.Server)
	span.End("")
	if r.Flush(ctx); c.calls != 4 {
		t.Error("it is asked although the function's time is over")
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	var path, body string
	var header http.Header
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		path, body, header = r.URL.Path, string(content), r.Header
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.Repeat("hidden", 1000))
	}))
	defer server.Close()
	o := trace.OTLP{
		Endpoint: server.URL + "/otlp/", Client: server.Client(), Resource: []trace.Attribute{trace.Text("service.name", "s")},
		Headers: func(context.Context) (http.Header, error) {
			h, _ := trace.ParseHeaders("api-key=hidden%2Ckey, X-Scope = 7")
			return h, nil
		},
	}
	at := time.Unix(1_800_000_000, 5)
	c, _ := trace.Parse(parent)
	spans := []trace.Span{{
		Context: c, Parent: trace.SpanID{1}, Name: "n", Kind: trace.Client, Began: at, Ended: at.Add(time.Second), Failure: "unavailable",
		Attributes: []trace.Attribute{trace.Text("t", ""), trace.Number("n", 1<<60)},
	}, {Context: c, Name: "root", Kind: trace.Server, Began: at, Ended: at.Add(-time.Hour)}}
	if err := o.Export(t.Context(), spans); err != nil {
		t.Fatal(err)
	}
	want := `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},"scopeSpans":[{"scope":{"name":"github.com/act-platform/enhanced-integration"},"spans":[` +
		`{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","parentSpanId":"0100000000000000","flags":1,"name":"n","kind":3,"startTimeUnixNano":"1800000000000000005","endTimeUnixNano":"1800000001000000005",` +
		`"attributes":[{"key":"t","value":{"stringValue":""}},{"key":"n","value":{"intValue":"1152921504606846976"}},{"key":"error.type","value":{"stringValue":"unavailable"}}],"status":{"code":2}},` +
		`{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","flags":1,"name":"root","kind":2,"startTimeUnixNano":"1800000000000000005","endTimeUnixNano":"1800000000000000005","status":{}}]}]}]}`
	if body != want || !json.Valid([]byte(body)) {
		t.Errorf("sent\n%s\nwant\n%s", body, want)
	}
	if path != "/otlp/v1/traces" || header.Get("Content-Type") != "application/json" || header.Get("Api-Key") != "hidden,key" || header.Get("X-Scope") != "7" || header.Get("Traceparent") != "" {
		t.Errorf("%s %v", path, header)
	}
	for status = range map[int]bool{http.StatusTooManyRequests: true, http.StatusFound: true, http.StatusUnauthorized: true} {
		if err := o.Export(t.Context(), spans); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%d: %v", status, err)
		}
	}
	server.Close()
	if err := o.Export(t.Context(), spans); err == nil || strings.Contains(err.Error(), "otlp") {
		t.Errorf("away: %v", err)
	}
}

func TestParseHeaders(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"": true, "a=b": true, "a=b,c=d=e": true, " a = b , ": true, "a": false, "=b": false, "a b=c": false, "a=%zz": false, "a=%0d%0ab": false,
	} {
		if h, got := trace.ParseHeaders(text); got != ok || ok && h == nil {
			t.Errorf("%q: %v %v", text, h, got)
		}
	}
}

// BenchmarkRecord is what a call costs where its trace is recorded, and where it is not.
func BenchmarkRecord(b *testing.B) {
	for name, header := range map[string]string{"recorded": parent, "not": parent[:53] + "00"} {
		b.Run(name, func(b *testing.B) {
			sampler, _ := trace.ParseSampler("", "")
			r := trace.New(trace.Config{Export: &collector{}, Sampler: sampler, Now: time.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler)})
			now, n := time.Now(), 0
			ctx, _ := r.Invocation(begin(b.Context(), header), "f", trace.Server)
			for b.Loop() {
				trace.Record(ctx, "call", trace.Client, now, now, "")
				if n++; n%900 == 0 {
					r.Flush(ctx)
				}
			}
		})
	}
}
