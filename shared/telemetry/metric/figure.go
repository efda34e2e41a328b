package metric

import "time"

// Total is what is known of many calls together.
type Total struct {
	Calls, Errors int64
	Time          time.Duration
	Latency       Histogram
}

// Failed reports whether an outcome counts as an error: every kind does but not_found, which is an answer to a question.
func Failed(outcome string) bool { return outcome != "" && outcome != "not_found" }

// Sum adds up the rows that want says.
func Sum(rows []Row, want func(Row) bool) Total {
	var t Total
	for _, r := range rows {
		if want != nil && !want(r) {
			continue
		}
		t.Calls += r.Calls
		if Failed(r.Outcome) {
			t.Errors += r.Calls
		}
		t.Time += r.Total
		t.Latency.Merge(r.Latency)
	}
	return t
}

// Of returns the rows of a service.
func Of(s Service) func(Row) bool { return func(r Row) bool { return r.Service == s } }

// ErrorRate returns the share of calls that failed; nil without a call.
func (t Total) ErrorRate() *float64 { return share(t.Errors, t.Calls) }

// Mean returns the mean latency in milliseconds; nil without a call.
func (t Total) Mean() *float64 {
	if t.Calls == 0 {
		return nil
	}
	mean := millis(t.Time) / float64(t.Calls)
	return &mean
}

// Quantile returns a quantile of the latency in milliseconds; nil without a call.
func (t Total) Quantile(q float64) *float64 {
	d, ok := t.Latency.Quantile(q)
	if !ok {
		return nil
	}
	ms := millis(d)
	return &ms
}

// HitRate returns the share of look-ups that want says which were answered from a cache, stale answers among them; nil without a look-up.
func HitRate(rows []Row, want func(kind string) bool) *float64 {
	var hits, all int64
	for _, r := range rows {
		if r.Service != Cache || r.Outcome == Evicted || !want(r.Operation) {
			continue
		}
		all += r.Calls
		if r.Outcome != Miss {
			hits += r.Calls
		}
	}
	return share(hits, all)
}

func share(part, whole int64) *float64 {
	if whole == 0 {
		return nil
	}
	s := float64(part) / float64(whole)
	return &s
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
