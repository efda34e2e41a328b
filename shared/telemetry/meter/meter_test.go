package meter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/telemetry/meter"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

func silent() meter.Embedded { return meter.Embedded{Log: slog.New(slog.DiscardHandler)} }

// store keeps what it is given, or fails.
type store struct {
	calls int
	rows  []metric.Row
	err   error
}

func (s *store) Add(_ context.Context, rows []metric.Row) error {
	s.calls++
	if s.err != nil {
		return s.err
	}
	s.rows = append(s.rows, rows...)
	return nil
}

func (s *store) total() int64 { return metric.Sum(s.rows, nil).Calls }

func TestManyCallsAreOneRoundTrip(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	m := meter.New(func() time.Time { return now }, slog.New(slog.DiscardHandler), silent())
	s := &store{}
	observe := func(n int) {
		for range n {
			m.Observe(metric.Sample{Service: metric.Notion, Operation: "GET", Duration: time.Millisecond})
		}
	}
	observe(1000)
	m.Flush(t.Context(), s)
	if s.calls != 1 || len(s.rows) != 1 || s.total() != 1000 {
		t.Fatalf("%d round trips, %+v", s.calls, s.rows)
	}
	observe(5)
	m.Flush(t.Context(), s) // too soon
	if s.calls != 1 {
		t.Error("stored twice within a second")
	}
	now = now.Add(time.Second)
	m.Flush(t.Context(), s)
	m.Flush(t.Context(), s) // nothing
	if s.calls != 2 || s.total() != 1005 {
		t.Errorf("%d round trips, %d calls", s.calls, s.total())
	}
}

func TestWhatCannotBeStoredWaits(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	m := meter.New(func() time.Time { return now }, slog.New(slog.DiscardHandler), silent())
	s := &store{err: errors.New("away")}
	m.Observe(metric.Sample{Service: metric.Notion})
	m.Flush(t.Context(), s)
	m.Observe(metric.Sample{Service: metric.Notion})
	now = now.Add(2 * time.Second)
	m.Flush(t.Context(), s)
	if s.calls != 1 {
		t.Error("a database that is away is asked again at once")
	}
	now = now.Add(-time.Hour) // a clock that is set back
	s.err = nil
	m.Flush(t.Context(), s)
	if s.total() != 2 {
		t.Errorf("%d calls of 2", s.total())
	}
}

func TestWhatIsTooMuchIsGivenUpAndSaid(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	m := meter.New(time.Now, slog.New(slog.NewJSONHandler(&log, nil)), silent())
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for i := range 5000 {
		m.Observe(metric.Sample{Service: metric.Notion, At: at.Add(time.Duration(i) * time.Minute)})
	}
	s := &store{}
	m.Flush(t.Context(), s)
	if s.total() != 2000 || !bytes.Contains(log.Bytes(), []byte(`"calls":3000`)) {
		t.Errorf("%d calls, %s", s.total(), log.String())
	}
}

func TestEmbeddedMetrics(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	e := meter.Embedded{Log: slog.New(slog.NewJSONHandler(&log, nil)), Stage: "prod"}
	var tally metric.Tally
	at := time.Date(2026, 11, 23, 10, 0, 30, 0, time.UTC)
	for _, outcome := range []string{"", "", "unavailable"} {
		tally.Add(metric.Sample{Service: metric.Notion, Operation: "GET", Outcome: outcome, At: at, Duration: 30 * time.Millisecond})
	}
	e.Write(t.Context(), tally.Rows())
	var line struct {
		Stage, Service string
		Calls, Errors  int
		Latency        float64
		AWS            struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		} `json:"_aws"`
	}
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line.Stage != "prod" || line.Service != "notion" || line.Calls != 3 || line.Errors != 1 || line.Latency != 30 {
		t.Errorf("%+v", line)
	}
	if line.AWS.Timestamp != at.Truncate(time.Minute).UnixMilli() || line.AWS.CloudWatchMetrics[0].Namespace != meter.Namespace || len(line.AWS.CloudWatchMetrics[0].Metrics) != 3 {
		t.Errorf("%+v", line.AWS)
	}
}

// BenchmarkObserve is what measuring adds to a call.
func BenchmarkObserve(b *testing.B) {
	m := meter.New(time.Now, slog.New(slog.DiscardHandler), silent())
	for b.Loop() {
		m.Observe(metric.Sample{Service: metric.Notion, Operation: "GET /v1/pages/{id}", Duration: 40 * time.Millisecond})
	}
}
