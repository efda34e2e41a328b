package schedule_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
	"github.com/act-platform/enhanced-integration/infra/local/schedule"
	"github.com/act-platform/enhanced-integration/infra/local/template"
)

const layout = "Mon 2006-01-02 15:04"

// TestNext: expression, a time, and the next times that are due. The first dozen are the examples of AWS's documentation.
func TestNext(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		expression, after string
		want              []string
	}{
		{"cron(0 10 * * ? *)", "2026-11-24 09:59:59", []string{"Tue 2026-11-24 10:00", "Wed 2026-11-25 10:00"}},
		{"cron(15 12 * * ? *)", "2026-11-24 12:15:00", []string{"Wed 2026-11-25 12:15"}},
		{"cron(0 18 ? * MON-FRI *)", "2026-11-27 17:00:00", []string{"Fri 2026-11-27 18:00", "Mon 2026-11-30 18:00"}},
		{"cron(0 8 1 * ? *)", "2026-11-24 00:00:00", []string{"Tue 2026-12-01 08:00", "Fri 2027-01-01 08:00"}},
		{"cron(0/15 * * * ? *)", "2026-11-24 10:07:00", []string{"Tue 2026-11-24 10:15", "Tue 2026-11-24 10:30", "Tue 2026-11-24 10:45", "Tue 2026-11-24 11:00"}},
		{"cron(0/10 * ? * MON-FRI *)", "2026-11-27 23:55:00", []string{"Mon 2026-11-30 00:00", "Mon 2026-11-30 00:10"}},
		{"cron(0/5 8-17 ? * MON-FRI *)", "2026-11-24 17:54:00", []string{"Tue 2026-11-24 17:55", "Wed 2026-11-25 08:00"}},
		{"cron(0/30 20-2 ? * MON-FRI *)", "2026-11-27 02:00:00", []string{"Fri 2026-11-27 02:30", "Fri 2026-11-27 20:00"}},
		{"cron(0 9 ? * 2#1 *)", "2026-11-24 00:00:00", []string{"Mon 2026-12-07 09:00", "Mon 2027-01-04 09:00"}},
		{"cron(15 10 ? * 6L 2026-2027)", "2027-10-01 00:00:00", []string{"Fri 2027-10-29 10:15", "Fri 2027-11-26 10:15", "Fri 2027-12-31 10:15", ""}},
		{"cron(0 8 ? * TUE#1 *)", "2026-11-24 00:00:00", []string{"Tue 2026-12-01 08:00"}},
		{"cron(15 12 ? JUN,JUL TUE *)", "2026-11-24 00:00:00", []string{"Tue 2027-06-01 12:15"}},

		{"cron(17 3 * * ? *)", "2026-11-24 03:17:00", []string{"Wed 2026-11-25 03:17"}},
		{"cron(0 0 L * ? *)", "2028-02-01 00:00:00", []string{"Tue 2028-02-29 00:00", "Fri 2028-03-31 00:00"}},
		{"cron(0 0 31 * ? *)", "2026-04-01 00:00:00", []string{"Sun 2026-05-31 00:00", "Fri 2026-07-31 00:00"}},
		{"cron(0 0 29 2 ? *)", "2026-01-01 00:00:00", []string{"Tue 2028-02-29 00:00", "Sun 2032-02-29 00:00"}},
		{"cron(0 0 1W * ? *)", "2026-07-15 00:00:00", []string{"Mon 2026-08-03 00:00", "Tue 2026-09-01 00:00"}},       // 1 August 2026 is a Saturday
		{"cron(0 0 31W * ? *)", "2026-05-01 00:00:00", []string{"Fri 2026-05-29 00:00", "Fri 2026-07-31 00:00"}},      // 31 May 2026 is a Sunday, June has none
		{"cron(0 0 15W * ? *)", "2026-08-01 00:00:00", []string{"Fri 2026-08-14 00:00", "Tue 2026-09-15 00:00"}},      // 15 August 2026 is a Saturday
		{"cron(0 0 ? * L *)", "2026-11-24 00:00:00", []string{"Sat 2026-11-28 00:00", "Sat 2026-12-05 00:00"}},        // the last day of the week
		{"cron(0 0 ? * 3#5 *)", "2026-11-24 00:00:00", []string{"Tue 2026-12-29 00:00", "Tue 2027-03-30 00:00"}},      // months with five Tuesdays
		{"cron(1/10 0 * * ? *)", "2026-11-24 00:00:00", []string{"Tue 2026-11-24 00:01", "Tue 2026-11-24 00:11"}},     // from the first minute on
		{"cron(10-30/10 0 * * ? *)", "2026-11-24 00:00:00", []string{"Tue 2026-11-24 00:10", "Tue 2026-11-24 00:20"}}, // a range with a step
		{"cron(0 0 1 jan ? 2030)", "2026-01-01 00:00:00", []string{"Tue 2030-01-01 00:00", ""}},                       // once
		{"cron(0 0 1 1 ? 1999)", "2026-01-01 00:00:00", []string{""}},                                                 // never again
		{"cron(0  0 1,15 */6 ?  *)", "2026-01-15 00:00:00", []string{"Wed 2026-07-01 00:00", "Wed 2026-07-15 00:00"}}, // white space
		{"cron(59 23 31 12 ? 2199)", "2199-12-31 23:58:59", []string{"Tue 2199-12-31 23:59", ""}},                     // the last minute there is
		{"cron(0 0 ? * FRI-MON *)", "2026-11-24 00:00:00", []string{"Fri 2026-11-27 00:00", "Sat 2026-11-28 00:00", "Sun 2026-11-29 00:00", "Mon 2026-11-30 00:00", "Fri 2026-12-04 00:00"}},
		{"rate(1 minute)", "2026-11-24 10:00:00", []string{"Tue 2026-11-24 10:01", "Tue 2026-11-24 10:02"}},
		{"rate(5 minutes)", "2026-11-24 10:04:59", []string{"Tue 2026-11-24 10:05", "Tue 2026-11-24 10:10"}},
		{"rate(1 hour)", "2026-11-24 10:00:00", []string{"Tue 2026-11-24 11:00"}},
		{"rate(1 day)", "2026-11-24 10:00:00", []string{"Wed 2026-11-25 00:00"}},
		{"rate(7 days)", "2026-11-24 10:00:00", []string{"Thu 2026-11-26 00:00", "Thu 2026-12-03 00:00"}},
	} {
		t.Run(c.expression, func(t *testing.T) {
			t.Parallel()
			expression, err := schedule.Parse(c.expression)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.DateTime, c.after)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.want {
				at = expression.Next(at)
				got := ""
				if !at.IsZero() {
					got = at.Format(layout)
				}
				if got != want {
					t.Fatalf("next %q, want %q", got, want)
				}
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "rate", "rate(", "rate()", "rate(5)", "rate(5 minute)", "rate(1 minutes)", "rate(0 minutes)", "rate(-1 minutes)", "rate(5 seconds)",
		"rate(1.5 hours)", "rate(5 minutes) ", "rate(99999999999 days)", "at(2026-11-24T00:00:00)",
		"cron()", "cron(* * * * *)", "cron(0 0 * * * *)", "cron(0 0 ? * ? *)", "cron(0 0 1 * MON *)", "cron(60 0 * * ? *)", "cron(0 24 * * ? *)",
		"cron(0 0 0 * ? *)", "cron(0 0 32 * ? *)", "cron(0 0 * 13 ? *)", "cron(0 0 ? * 0 *)", "cron(0 0 ? * 8 *)", "cron(0 0 * * ? 1969)",
		"cron(0 0 * * ? 2200)", "cron(a 0 * * ? *)", "cron(0/0 0 * * ? *)", "cron(0/x 0 * * ? *)", "cron(? 0 * * ? *)",
		"cron(0 0 ? * 3#1,6#3 *)", "cron(0 0 ? * 3#6 *)", "cron(0 0 ? * 3#0 *)", "cron(0 0 W * ? *)", "cron(0 0 32W * ? *)", "cron(0 0 ? * XL *)",
		"cron(0 0 * * ? *", "cron(0,,5 0 * * ? *)", "cron(0 0 ? * X#1 *)",
	} {
		if _, err := schedule.Parse(text); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}

// TestNextIsAfter: the next time is after the given one, on a full minute in UTC, and nothing due lies between.
func TestNextIsAfter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		expression, err := schedule.Parse(rapid.SampledFrom([]string{
			"rate(7 minutes)", "rate(3 hours)", "cron(0/7 3-5 * * ? *)", "cron(30 6 ? * MON#2 *)", "cron(0 0 L * ? *)", "cron(1 2 15W */2 ? *)",
		}).Draw(t, "expression"))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "at"), 0).In(time.FixedZone("", rapid.IntRange(-12, 14).Draw(t, "zone")*3600))
		next := expression.Next(at)
		if !next.After(at) || next.Location() != time.UTC || !next.Equal(next.Truncate(time.Minute)) {
			t.Fatalf("after %v comes %v", at, next)
		}
		between := at.Add(time.Duration(rapid.Int64Range(0, int64(next.Sub(at))-1).Draw(t, "between")))
		if got := expression.Next(between); !got.Equal(next) {
			t.Fatalf("after %v comes %v, but after %v %v", at, next, between, got)
		}
	})
}

// recorder keeps the invocations and fails the first few.
type recorder struct {
	mu    sync.Mutex
	calls []string // "time function event"
	fails int
	log   bytes.Buffer
}

func (r *recorder) Invoke(ctx context.Context, function string, event []byte) (lambdahost.Result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, time.Now().UTC().Format("15:04:05")+" "+function+" "+string(event))
	if r.fails--; r.fails >= 0 {
		if r.fails%2 == 0 {
			return lambdahost.Result{}, errors.New("away")
		}
		return lambdahost.Result{Failed: true, Payload: []byte(`{"errorMessage":"ill"}`)}, nil
	}
	return lambdahost.Result{}, ctx.Err()
}

// run runs schedules of function f for so long, from midnight on.
func run(t *testing.T, invoker *recorder, d time.Duration, schedules ...template.Schedule) {
	t.Helper()
	scheduler, err := schedule.New(schedule.Config{
		Functions: []template.Function{{Name: "f", Schedules: schedules}}, Invoker: invoker, Region: "eu-west-1", AccountID: "000000000000",
		Now: time.Now, NewID: func() string { return "id" }, Log: slog.New(slog.NewTextHandler(&invoker.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	scheduler.Run(ctx)
}

func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // whose clock begins at midnight
		var invoker recorder
		run(t, &invoker, 12*time.Minute,
			template.Schedule{Name: "Often", Expression: "rate(5 minutes)", Input: `{"a":1}`},
			template.Schedule{Name: "Once", Expression: "cron(7 0 * * ? *)"},
			template.Schedule{Name: "Never", Expression: "cron(0 0 1 1 ? 1999)"})
		want := []string{
			`00:05:00 f {"a":1}`,
			`00:07:00 f {"version":"0","id":"id","detail-type":"Scheduled Event","source":"aws.events","account":"000000000000",` +
				`"time":"2000-01-01T00:07:00Z","region":"eu-west-1","resources":["arn:aws:events:eu-west-1:000000000000:rule/f-Once"],"detail":{}}`,
			`00:10:00 f {"a":1}`,
		}
		if !slices.Equal(invoker.calls, want) {
			t.Errorf("calls %s", strings.Join(invoker.calls, "\n"))
		}
		for _, call := range invoker.calls {
			if _, event, _ := strings.Cut(call, "f "); !json.Valid([]byte(event)) {
				t.Errorf("%s is no JSON", event)
			}
		}
	})
}

// TestFailedInvocationIsRepeated after one minute and after two more, and then no more.
func TestFailedInvocationIsRepeated(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fails int
		want  []string
		says  string // the log
	}{
		"once":                              {1, []string{"01:00:00 f 1", "01:01:00 f 1"}, "error=away"},
		"twice, and the log has the reason": {2, []string{"01:00:00 f 1", "01:01:00 f 1", "01:03:00 f 1"}, `{\"errorMessage\":\"ill\"}`},
		"always":                            {9, []string{"01:00:00 f 1", "01:01:00 f 1", "01:03:00 f 1"}, `{\"errorMessage\":\"ill\"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				invoker := recorder{fails: c.fails}
				run(t, &invoker, 90*time.Minute, template.Schedule{Name: "Hourly", Expression: "rate(1 hour)", Input: "1"})
				if !slices.Equal(invoker.calls, c.want) {
					t.Errorf("calls %q, want %q", invoker.calls, c.want)
				}
				if !strings.Contains(invoker.log.String(), c.says) {
					t.Errorf("the log does not say %s: %s", c.says, &invoker.log)
				}
			})
		})
	}
}

func TestNewRefusesAnExpression(t *testing.T) {
	t.Parallel()
	_, err := schedule.New(schedule.Config{Functions: []template.Function{{Name: "f", Schedules: []template.Schedule{{Name: "Bad", Expression: "rate(x)"}}}}})
	if err == nil || !strings.Contains(err.Error(), "schedule Bad of function f") {
		t.Errorf("error %v", err)
	}
}
