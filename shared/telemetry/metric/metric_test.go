package metric_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

var noon = time.Date(2026, 11, 23, 12, 34, 56, 0, time.UTC)

func TestTallyCountsByMinuteAndOutcome(t *testing.T) {
	t.Parallel()
	var tally metric.Tally
	sample := metric.Sample{Service: metric.Notion, Operation: "GET /v1/users/me", At: noon, Duration: 40 * time.Millisecond}
	tally.Add(sample)
	sample.At = noon.Add(3 * time.Second)
	tally.Add(sample)
	sample.At = noon.Add(4 * time.Second)
	tally.Add(sample)
	sample.Outcome, sample.Duration = "unavailable", -time.Second
	tally.Add(sample)
	rows := tally.Rows()
	if len(rows) != 3 || rows[0].Calls != 2 || rows[0].Total != 80*time.Millisecond || rows[1].Calls != 1 || rows[2].Outcome != "unavailable" || rows[2].Total != 0 {
		t.Fatalf("rows: %+v", rows)
	}
	total := metric.Sum(rows, metric.Of(metric.Notion))
	if total.Calls != 4 || total.Errors != 1 || *total.ErrorRate() != 0.25 || *total.Mean() != 30 {
		t.Errorf("total: %+v", total)
	}
}

func TestNothingMeasuredIsNoFigure(t *testing.T) {
	t.Parallel()
	var none metric.Total
	if none.ErrorRate() != nil || none.Mean() != nil || none.Quantile(0.5) != nil {
		t.Error("a figure without a call")
	}
	if metric.HitRate(nil, func(string) bool { return true }) != nil {
		t.Error("a hit rate without a look-up")
	}
}

func TestHitRateCountsStaleAsHitAndLeavesOutEvictions(t *testing.T) {
	t.Parallel()
	row := func(outcome string, n int64) metric.Row {
		return metric.Row{Service: metric.Cache, Operation: "schema", Outcome: outcome, Calls: n}
	}
	rows := []metric.Row{row(metric.Hit, 6), row(metric.Stale, 1), row(metric.Miss, 3), row(metric.Evicted, 50)}
	if got := metric.HitRate(rows, func(kind string) bool { return kind == "schema" }); got == nil || *got != 0.7 {
		t.Errorf("hit rate: %v", got)
	}
}

// TestQuantileWithinItsBucket: a quantile and the true value lie in one bucket.
func TestQuantileWithinItsBucket(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		micros := rapid.SliceOfN(rapid.IntRange(0, 59_999_999), 1, 200).Draw(rt, "micros")
		q := rapid.SampledFrom([]float64{0.5, 0.9, 0.95, 0.99, 1}).Draw(rt, "q")
		var h metric.Histogram
		for _, m := range micros {
			h.Add(time.Duration(m) * time.Microsecond)
		}
		slices.Sort(micros)
		rank := int(q * float64(len(micros)))
		if float64(rank) < q*float64(len(micros)) {
			rank++
		}
		truth := time.Duration(micros[max(rank, 1)-1]) * time.Microsecond
		got, ok := h.Quantile(q)
		if !ok || metric.BucketOf(got) != metric.BucketOf(truth) && got != metric.LowerBound(truth) {
			rt.Fatalf("%v of %v is %v, not near %v", q, micros, got, truth)
		}
	})
}

func TestWindowBeginsWhereItsGrainDoes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"1h": "2026-11-23T11:34:00Z", "24h": "2026-11-22T12:00:00Z", "7d": "2026-11-16T12:00:00Z", "30d": "2026-10-24T00:00:00Z", "90d": "2026-08-25T00:00:00Z",
	} {
		w, ok := metric.WindowOf(name)
		if got := w.From(noon).Format(time.RFC3339); !ok || got != want {
			t.Errorf("%s begins at %s, not %s", name, got, want)
		}
	}
	for _, name := range []string{"", "2h", "-1h", "24H", "90000d", "1h "} {
		if _, ok := metric.WindowOf(name); ok {
			t.Errorf("there is a window %q", name)
		}
	}
}

func TestSeriesHasItsGaps(t *testing.T) {
	t.Parallel()
	w, _ := metric.WindowOf("1h")
	at := func(ago time.Duration) metric.Row {
		return metric.Row{At: noon.Add(-ago).Truncate(time.Minute), Service: metric.Notion, Calls: 2}
	}
	points := w.Series([]metric.Row{at(0), at(30 * time.Minute), at(2 * time.Hour), at(-time.Hour)}, noon, metric.Of(metric.Notion))
	if len(points) != 61 || points[60].Calls != 2 || points[30].Calls != 2 {
		t.Fatalf("%d points: %+v", len(points), points)
	}
	var calls int64
	for _, p := range points {
		calls += p.Calls
	}
	if calls != 4 {
		t.Errorf("%d calls: what is outside of the window counts", calls)
	}
}
