package queue_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/queue"
)

const second = time.Second

func noon() time.Time { return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) }

func fifo() *queue.Queue { return queue.New(queue.Settings{FIFO: true, Retention: 24 * time.Hour}) }

func standard() *queue.Queue { return queue.New(queue.Settings{Retention: 24 * time.Hour}) }

// send puts messages on q, each named as group and number: "a1".
func send(q *queue.Queue, now time.Time, names ...string) {
	for _, name := range names {
		q.Send(now, name, queue.Content{Body: name, Group: name[:1], DeduplicationID: name}, 0)
	}
}

// receive returns the ids of what was given out and of what was dead.
func receive(t *testing.T, q *queue.Queue, now time.Time, r queue.Request) (delivered, dead string) {
	t.Helper()
	alive, buried, err := q.Receive(now, r)
	if err != nil {
		t.Fatal(err)
	}
	return ids(alive), ids(buried)
}

func ids(messages []*queue.Message) string {
	var all []string
	for _, m := range messages {
		all = append(all, m.ID)
	}
	return strings.Join(all, " ")
}

// TestGroupsInOrder follows one FIFO queue whose messages are in flight for ten seconds.
func TestGroupsInOrder(t *testing.T) {
	t.Parallel()
	type step struct {
		at   time.Duration
		do   string // "receive <max>", "delete <id>", "extend <id> <seconds>"
		want string
	}
	cases := map[string]struct {
		send  []string
		steps []step
	}{
		"a group gives all it may before the next group": {
			[]string{"a1", "b1", "a2", "b2", "a3"},
			[]step{{0, "receive 4", "a1 a2 a3 b1"}},
		},
		"a group waits while one of it is in flight": {
			[]string{"a1", "a2", "b1"},
			[]step{{0, "receive 1", "a1"}, {0, "receive 9", "b1"}, {0, "receive 9", ""}},
		},
		"deletion frees the group at once": {
			[]string{"a1", "a2"},
			[]step{{0, "receive 1", "a1"}, {1, "delete a1", "ok"}, {1, "receive 1", "a2"}},
		},
		"order holds after the timeout": {
			[]string{"a1", "a2", "a3"},
			[]step{{0, "receive 2", "a1 a2"}, {9, "receive 9", ""}, {10, "receive 9", "a1 a2 a3"}},
		},
		"a partly deleted batch keeps its group in flight": {
			[]string{"a1", "a2", "a3"},
			[]step{{0, "receive 2", "a1 a2"}, {1, "delete a1", "ok"}, {1, "receive 9", ""}, {10, "receive 9", "a2 a3"}},
		},
		"the group waits for its longest timeout": {
			[]string{"a1", "a2", "a3"},
			[]step{{0, "receive 2", "a1 a2"}, {0, "extend a2 20", "ok"}, {10, "receive 9", ""}, {20, "receive 9", "a1 a2 a3"}},
		},
		"visibility zero gives a message back at once": {
			[]string{"a1", "a2"},
			[]step{{0, "receive 1", "a1"}, {1, "extend a1 0", "ok"}, {1, "receive 2", "a1 a2"}},
		},
		"an expired receipt deletes nothing": {
			[]string{"a1"},
			[]step{{0, "receive 1", "a1"}, {10, "delete a1", queue.ErrExpired.Error()}, {10, "receive 1", "a1"}},
		},
		"the last message leaves an empty group that works again": {
			[]string{"a1"},
			[]step{{0, "receive 1", "a1"}, {0, "delete a1", "ok"}, {0, "receive 1", ""}, {0, "send a2", "ok"}, {0, "receive 1", "a2"}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := fifo()
			send(q, noon(), c.send...)
			receives := map[string]int{}
			for _, s := range c.steps {
				now := noon().Add(s.at * second)
				var verb, id string
				var number int
				fmt.Sscan(s.do, &verb, &id, &number)
				got := "ok"
				var err error
				switch verb {
				case "receive":
					fmt.Sscan(id, &number)
					got, _ = receive(t, q, now, queue.Request{Max: number, Visibility: 10 * second})
					for _, id := range strings.Fields(got) {
						receives[id]++
					}
				case "send":
					send(q, now, id)
				case "delete":
					err = q.Delete(now, queue.Receipt{ID: id, Receive: receives[id]})
				case "extend":
					err = q.ChangeVisibility(now, queue.Receipt{ID: id, Receive: receives[id]}, time.Duration(number)*second)
				}
				if err != nil {
					got = err.Error()
				}
				if got != s.want {
					t.Fatalf("at %d s, %s: got %q, want %q", s.at, s.do, got, s.want)
				}
			}
		})
	}
}

func TestDeduplication(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		perGroup      bool
		group, id     string
		after         time.Duration
		before        func(q *queue.Queue) // done between the two sends
		wantDuplicate bool
	}{
		"same id":                          {group: "g", id: "x", wantDuplicate: true},
		"another id":                       {group: "g", id: "y"},
		"same id, another group":           {group: "h", id: "x", wantDuplicate: true},
		"same id, another group, each own": {perGroup: true, group: "h", id: "x"},
		"same id and group, each own":      {perGroup: true, group: "g", id: "x", wantDuplicate: true},
		"just inside the window":           {group: "g", id: "x", after: 5*time.Minute - 1, wantDuplicate: true},
		"at the end of the window":         {group: "g", id: "x", after: 5 * time.Minute},
		"after a purge":                    {group: "g", id: "x", before: (*queue.Queue).Purge, wantDuplicate: true},
		"after the first was deleted": {group: "g", id: "x", wantDuplicate: true, before: func(q *queue.Queue) {
			received, _, _ := q.Receive(noon(), queue.Request{Max: 1, Visibility: second})
			if err := q.Delete(noon(), received[0].Receipt()); err != nil {
				panic(err)
			}
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := queue.New(queue.Settings{FIFO: true, PerGroupDedup: c.perGroup, Retention: time.Hour})
			id, sequence := q.Send(noon(), "1", queue.Content{Group: "g", DeduplicationID: "x"}, 0)
			if c.before != nil {
				c.before(q)
			}
			again, next := q.Send(noon().Add(c.after), "2", queue.Content{Group: c.group, DeduplicationID: c.id}, 0)
			if duplicate := again == id && next == sequence; duplicate != c.wantDuplicate {
				t.Fatalf("duplicate: %t", duplicate)
			}
		})
	}
}

func TestDeduplicationWindowIsNotProlonged(t *testing.T) {
	t.Parallel()
	q := fifo()
	content := queue.Content{Group: "g", DeduplicationID: "x"}
	q.Send(noon(), "1", content, 0)
	q.Send(noon().Add(4*time.Minute), "2", content, 0)
	if id, _ := q.Send(noon().Add(5*time.Minute), "3", content, 0); id != "3" {
		t.Fatalf("a duplicate of %s", id)
	}
}

func TestWhatIsForgottenIsRemovedFromTheStore(t *testing.T) {
	t.Parallel()
	q := fifo()
	send(q, noon(), "a1")
	q.Saved()
	send(q, noon().Add(queue.DeduplicationWindow), "a2")
	changes := q.Changes().Duplicates
	if d, removed := changes["a1"]; !removed || d != nil || changes["a2"] == nil {
		t.Fatalf("%v", changes)
	}
}

func TestDeath(t *testing.T) {
	t.Parallel()
	for name, q := range map[string]*queue.Queue{"standard": standard(), "fifo": fifo()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			isFIFO := name == "fifo"
			grave := queue.New(queue.Settings{FIFO: isFIFO, Retention: time.Hour})
			send(q, noon(), "a1", "a2")
			request := queue.Request{Max: 1, Visibility: second, MaxAttempts: 2}
			now := noon()
			for range 2 {
				if got, dead := receive(t, q, now, request); got != "a1" || dead != "" {
					t.Fatalf("delivered %q, dead %q", got, dead)
				}
				now = now.Add(second)
			}
			delivered, dead, err := q.Receive(now, request)
			if err != nil || ids(delivered) != "a2" || ids(dead) != "a1" {
				t.Fatalf("delivered %q, dead %q, %v", ids(delivered), ids(dead), err)
			}
			grave.Bury(now, dead[0], "source")
			buried, _, _ := grave.Receive(now, request)
			if ids(buried) != "a1" {
				t.Fatalf("the grave gives %q", ids(buried))
			}
			m := buried[0]
			if m.Receives != 3 || m.Attempts != 1 || m.Source != "source" || !m.SentAt.Equal(noon()) || m.Body != "a1" {
				t.Fatalf("%+v", m)
			}
			if fresh := m.EnqueuedAt.Equal(now); fresh != isFIFO {
				t.Fatalf("retention begins anew: %t", fresh)
			}
			if own := m.DeduplicationID == m.ID; isFIFO && !own {
				t.Fatal("two that died with one deduplication id would be one")
			}
		})
	}
}

func TestChangeVisibility(t *testing.T) {
	t.Parallel()
	receipt := queue.Receipt{ID: "a1", Receive: 1}
	cases := map[string]struct {
		receipt queue.Receipt
		at      time.Duration // after the receipt
		timeout time.Duration
		want    error
	}{
		"longer":                 {receipt, 5 * second, 12 * second, nil},
		"at once":                {receipt, 5 * second, 0, nil},
		"after the timeout":      {receipt, 10 * second, 5 * second, queue.ErrNotInFlight},
		"an older receipt":       {queue.Receipt{ID: "a1", Receive: 0}, 5 * second, 5 * second, queue.ErrUnknown},
		"no such message":        {queue.Receipt{ID: "zz", Receive: 1}, 5 * second, 5 * second, queue.ErrUnknown},
		"twelve hours in all":    {receipt, 5 * second, 12*time.Hour - 5*second, nil},
		"more than twelve hours": {receipt, 5 * second, 12*time.Hour - 4*second, queue.ErrTooLong},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := standard()
			send(q, noon(), "a1")
			receive(t, q, noon(), queue.Request{Max: 1, Visibility: 10 * second})
			if err := q.ChangeVisibility(noon().Add(c.at), c.receipt, c.timeout); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestDelayOfStandardQueueHoldsForNewMessagesOnly(t *testing.T) {
	t.Parallel()
	q := standard()
	q.Send(noon(), "later", queue.Content{Body: "x"}, 30*second)
	q.Send(noon(), "now", queue.Content{Body: "x"}, 0)
	q.Configure(queue.Settings{Delay: time.Hour, Retention: 24 * time.Hour})
	if got, _ := receive(t, q, noon(), queue.Request{Max: 9}); got != "now" {
		t.Fatalf("got %q", got)
	}
	if next := q.Next(noon()); !next.Equal(noon().Add(30 * second)) {
		t.Fatalf("next at %s", next)
	}
	if count := q.Count(noon()); count != (queue.Count{Visible: 1, Delayed: 1}) {
		t.Fatalf("%+v", count)
	}
}

func TestDelayOfFIFOQueueHoldsForAll(t *testing.T) {
	t.Parallel()
	q := fifo()
	send(q, noon(), "a1")
	q.Configure(queue.Settings{Delay: 30 * second, Retention: 24 * time.Hour})
	if got, _ := receive(t, q, noon().Add(29*second), queue.Request{Max: 9}); got != "" {
		t.Fatalf("got %q", got)
	}
	if got, _ := receive(t, q, noon().Add(30*second), queue.Request{Max: 9}); got != "a1" {
		t.Fatalf("got %q", got)
	}
}

func TestTooManyInFlight(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]error{"standard": queue.ErrTooManyInFlight, "fifo": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := queue.New(queue.Settings{FIFO: name == "fifo", Retention: time.Hour})
			for i := range queue.MaxInFlight {
				id := strconv.Itoa(i)
				q.Send(noon(), id, queue.Content{Group: "busy", DeduplicationID: id}, 0)
			}
			receive(t, q, noon(), queue.Request{Max: queue.MaxInFlight, Visibility: second})
			send(q, noon(), "idle")
			delivered, _, err := q.Receive(noon(), queue.Request{Max: 1})
			if !errors.Is(err, want) || len(delivered) > 0 {
				t.Fatalf("got %q, %v", ids(delivered), err)
			}
		})
	}
}

func TestSequenceGrowsWhileTheClockStands(t *testing.T) {
	t.Parallel()
	q := fifo()
	send(q, noon(), "a1", "a2", "a3")
	var sequences []uint64
	delivered, _, _ := q.Receive(noon(), queue.Request{Max: 3})
	for _, m := range delivered {
		sequences = append(sequences, m.Sequence)
	}
	if !slices.IsSorted(sequences) || len(slices.Compact(sequences)) != 3 {
		t.Fatalf("%v", sequences)
	}
}
