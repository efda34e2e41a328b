// Package metric holds what is measured of calls: counts, outcomes and latencies by minute, and the figures that follow from them. Pure.
package metric

import (
	"cmp"
	"slices"
	"time"
)

// Service is what is called.
type Service string

// The services.
const (
	Notion     Service = "notion"     // an attempt at a request to Notion's API; operation: method and route
	Supabase   Service = "supabase"   // a statement in Postgres; operation: its verb
	Secrets    Service = "secrets"    // Secrets Manager; operation: the API's name
	Queue      Service = "queue"      // SQS; operation: the API's name
	Subscriber Service = "subscriber" // a delivery; operation: the subscriber's host
	Sync       Service = "sync"       // one database's part of a sync; operation: the kind of record
	Cache      Service = "cache"      // a look-up; operation: the kind of entry, outcome: Hit, Miss, Stale or Evicted
	Check      Service = "check"      // a check whether a service can be reached; operation: the service
)

// The outcomes of a look-up in a cache. All other services have "" for a success and a fault's kind for a failure.
const (
	Hit     = "hit"
	Miss    = "miss"
	Stale   = "stale"   // an entry whose time was over, given because its source was away
	Evicted = "evicted" // an entry that had to go, for room or because it was invalidated
)

// Sample is one call.
type Sample struct {
	Service   Service
	Operation string // one of few
	Outcome   string
	At        time.Time // when it ended
	Duration  time.Duration
}

// Row is what is known of like calls of one stretch of time.
type Row struct {
	At        time.Time     `json:"at"` // when the stretch begins
	Service   Service       `json:"service"`
	Operation string        `json:"operation"`
	Outcome   string        `json:"outcome"`
	Calls     int64         `json:"calls"`
	Total     time.Duration `json:"total"`
	Latency   Histogram     `json:"latency"`
}

// key names a row.
type key struct {
	at                 time.Time
	service            Service
	operation, outcome string
}

// Tally counts samples by minute. The zero value is empty; it is not for concurrent use.
type Tally struct{ rows map[key]*Row }

// Add counts a sample. A duration below zero, which a clock set back gives, counts as none.
func (t *Tally) Add(s Sample) {
	if t.rows == nil {
		t.rows = map[key]*Row{}
	}
	minute := s.At.UTC().Truncate(time.Minute)
	k := key{minute, s.Service, s.Operation, s.Outcome}
	row := t.rows[k]
	if row == nil {
		row = &Row{At: minute, Service: s.Service, Operation: s.Operation, Outcome: s.Outcome}
		t.rows[k] = row
	}
	d := max(0, s.Duration)
	row.Calls++
	row.Total += d
	row.Latency.Add(d)
}

// Len returns how many rows there are.
func (t *Tally) Len() int { return len(t.rows) }

// Merge adds rows, of another tally perhaps.
func (t *Tally) Merge(rows []Row) {
	if t.rows == nil {
		t.rows = map[key]*Row{}
	}
	for _, r := range rows {
		k := key{r.At, r.Service, r.Operation, r.Outcome}
		if own := t.rows[k]; own != nil {
			own.Calls += r.Calls
			own.Total += r.Total
			own.Latency.Merge(r.Latency)
			continue
		}
		t.rows[k] = &r
	}
}

// Rows returns the rows, in the order of their keys: whoever stores several at once takes them in the same order.
func (t *Tally) Rows() []Row {
	rows := make([]Row, 0, len(t.rows))
	for _, r := range t.rows {
		rows = append(rows, *r)
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Outcome, b.Outcome))
	})
	return rows
}
