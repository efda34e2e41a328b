package console_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/infra/local/console"
	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
)

func noon() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.Local) }

func newConsole(change func(*console.Config)) (*console.Console, *strings.Builder) {
	var out strings.Builder
	config := console.Config{Writer: &out, Now: noon}
	if change != nil {
		change(&config)
	}
	return console.New(config), &out
}

func TestLine(t *testing.T) {
	t.Parallel()
	at := noon().Add(time.Second).Format(time.RFC3339Nano)
	for name, c := range map[string]struct{ line, want string }{
		"slog's JSON":             {`{"time":"` + at + `","level":"INFO","msg":"synced","function":"worker","rows":25,"kind":"partners","nested":{"a":[1]}}`, "12:00:01.000 INFO  worker         synced rows=25 kind=partners nested={\"a\":[1]}\n"},
		"a stack":                 {`{"level":"ERROR","msg":"panic","stack":"goroutine 1\n\tmain.go:1\n"}`, "12:00:00.000 ERROR worker         panic\n    goroutine 1\n    \tmain.go:1\n"},
		"a message of many lines": {`{"level":"WARN","msg":"a\nb\u001b[2J","x":"\r"}`, "12:00:00.000 WARN  worker         a b·[2J x=·\n"},
		"no JSON":                 {"panic: \x1b[31mred", "12:00:00.000       worker         panic: ·[31mred\n"},
		"a list":                  {"[1]", "12:00:00.000       worker         [1]\n"},
		"an object and more":      {`{"msg":"a"} {"msg":"b"}`, "12:00:00.000       worker         {\"msg\":\"a\"} {\"msg\":\"b\"}\n"},
		"an unfinished object":    {`{"msg":"a",`, "12:00:00.000       worker         {\"msg\":\"a\",\n"},
		"nothing":                 {"", "12:00:00.000       worker         \n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c2, out := newConsole(nil)
			c2.Line("worker", []byte(c.line))
			if out.String() != c.want {
				t.Errorf("\n%q, want\n%q", out.String(), c.want)
			}
		})
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	http := `{"requestContext":{"http":{"method":"GET","path":"/things"}}}`
	for name, c := range map[string]struct {
		report lambdahost.Report
		want   string
	}{
		"a request": {
			lambdahost.Report{Event: []byte(http), Result: lambdahost.Result{Payload: []byte(`{"statusCode":202}`)}, Duration: 12 * time.Millisecond},
			"12:00:00.000 ✓     f              GET /things 202 12 ms\n",
		},
		"a cold request": {
			lambdahost.Report{Event: []byte(http), Result: lambdahost.Result{Payload: []byte(`{"statusCode":404}`)}, Duration: time.Millisecond, Init: 17 * time.Millisecond},
			"12:00:00.000 ✓     f              GET /things 404 1 ms + 17 ms start\n",
		},
		"a server error": {
			lambdahost.Report{Event: []byte(http), Result: lambdahost.Result{Payload: []byte(`{"statusCode":503}`)}},
			"12:00:00.000 ✗     f              GET /things 503 0 ms\n",
		},
		"an authorizer's": {
			lambdahost.Report{Event: []byte(http), Result: lambdahost.Result{Payload: []byte(`{"isAuthorized":true}`)}},
			"12:00:00.000 ✓     f              GET /things ok 0 ms\n",
		},
		"a failure": {
			lambdahost.Report{Event: []byte(http), Result: lambdahost.Result{Failed: true, Payload: []byte(`{"errorMessage":"RequestId: x Error: Task timed out after 3.00 seconds"}`)}},
			"12:00:00.000 ✗     f              GET /things RequestId: x Error: Task timed out after 3.00 seconds 0 ms\n",
		},
		"a failure without a word": {
			lambdahost.Report{Event: []byte(`{}`), Result: lambdahost.Result{Failed: true}},
			"12:00:00.000 ✗     f              {} failed 0 ms\n",
		},
		"a message": {
			lambdahost.Report{Event: []byte(`{"Records":[{}]}`), Result: lambdahost.Result{Payload: []byte(`{"batchItemFailures":[]}`)}},
			"12:00:00.000 ✓     f              1 message ok 0 ms\n",
		},
		"messages that failed": {
			lambdahost.Report{Event: []byte(`{"Records":[{},{},{}]}`), Result: lambdahost.Result{Payload: []byte(`{"batchItemFailures":[{"itemIdentifier":"1"},{"itemIdentifier":"2"}]}`)}},
			"12:00:00.000 ✗     f              3 messages 2 failed 0 ms\n",
		},
		"a schedule": {
			lambdahost.Report{Event: []byte(`{"detail-type":"Scheduled Event"}`)},
			"12:00:00.000 ✓     f              Scheduled Event ok 0 ms\n",
		},
		"a schedule's input": {
			lambdahost.Report{Event: []byte(`{"type":"incremental"}`)},
			"12:00:00.000 ✓     f              {\"type\":\"incremental\"} ok 0 ms\n",
		},
		"a path for the terminal": {
			lambdahost.Report{Event: []byte(`{"requestContext":{"http":{"method":"GET","path":"/\u001b[2J"}}}`)},
			"12:00:00.000 ✓     f              GET /·[2J ok 0 ms\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c2, out := newConsole(nil)
			c.report.Function = "f"
			c2.Report(c.report)
			if out.String() != c.want {
				t.Errorf("\n%q, want\n%q", out.String(), c.want)
			}
		})
	}
}

func TestColours(t *testing.T) {
	t.Parallel()
	c, out := newConsole(func(c *console.Config) { c.Colour = true })
	c.Line("f", []byte(`{"level":"ERROR","msg":"x"}`))
	c.Report(lambdahost.Report{Function: "f"})
	want := "\x1b[2m12:00:00.000\x1b[0m \x1b[31mERROR\x1b[0m f              x\n" +
		"\x1b[2m12:00:00.000\x1b[0m \x1b[32m✓    \x1b[0m f              \x1b[32mok\x1b[0m \x1b[2m0 ms\x1b[0m\n"
	if out.String() != want {
		t.Errorf("\n%q, want\n%q", out.String(), want)
	}
}

func TestLogger(t *testing.T) {
	t.Parallel()
	c, out := newConsole(nil)
	c.Logger().Warn("a queue cannot be read", "queue", "jobs")
	if got := out.String(); !strings.HasSuffix(got, " WARN  local          a queue cannot be read queue=jobs\n") {
		t.Errorf("%q", got)
	}
}

// TestJSON: whatever functions write, each line is one JSON value.
func TestJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, out := newConsole(func(c *console.Config) { c.JSON = true })
		line := strings.ReplaceAll(rapid.OneOf(rapid.String(), rapid.Just(`{"msg":"x"}`)).Draw(t, "line"), "\n", "")
		c.Line("f", []byte(line))
		c.Report(lambdahost.Report{Function: "f", Event: []byte(line), Result: lambdahost.Result{Payload: []byte(line), Failed: rapid.Bool().Draw(t, "failed")}})
		c.Logger().Info("own")
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != 3 {
			t.Fatalf("%d lines of 3: %q", len(lines), out.String())
		}
		for _, line := range lines {
			if !json.Valid([]byte(line)) {
				t.Fatalf("%q is no JSON", line)
			}
		}
	})
}

func TestLinesStayWhole(t *testing.T) {
	t.Parallel()
	c, out := newConsole(nil)
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range 50 {
				c.Line("f", []byte(`{"msg":"one whole line"}`))
			}
		})
	}
	writers.Wait()
	if got := strings.Count(out.String(), "f              one whole line\n"); got != 400 {
		t.Errorf("%d whole lines of 400", got)
	}
}
