package queue_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/queue"
)

const (
	retention   = time.Hour
	maxAttempts = 3
)

// known is what the naive model knows of one message.
type known struct {
	id, group     string
	sent          time.Time
	availableAt   time.Time
	inFlightUntil time.Time
	received      time.Time
	receives      int
}

// machine holds a queue against a naive model: a list in the order of sending, where everything is looked up by walking it. It
// checks what a receipt may and must give rather than computing it, so that the two do not share a mistake.
type machine struct {
	queue *queue.Queue
	fifo  bool
	delay time.Duration
	now   time.Time
	alive []*known
	dead  []string
	sends map[string]time.Time // of deduplication ids
	first map[string]string    // deduplication id to message id
	next  int

	messages   map[uint64][]byte // what a store would hold
	duplicates map[string][]byte
}

func newMachine(t *rapid.T, fifo bool) *machine {
	m := &machine{
		fifo: fifo, delay: time.Duration(rapid.SampledFrom([]int{0, 0, 5}).Draw(t, "queue delay")) * time.Second,
		now:   time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		sends: map[string]time.Time{}, first: map[string]string{},
		messages: map[uint64][]byte{}, duplicates: map[string][]byte{},
	}
	m.queue = queue.New(m.settings())
	return m
}

func (m *machine) settings() queue.Settings {
	return queue.Settings{FIFO: m.fifo, Delay: m.delay, Retention: retention}
}

func (m *machine) Send(t *rapid.T) {
	content := queue.Content{Body: strconv.Itoa(m.next), Group: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "group")}
	delay := m.delay
	if m.fifo {
		content.DeduplicationID = fmt.Sprint("d", rapid.IntRange(0, 40).Draw(t, "deduplication id"))
	} else {
		delay = time.Duration(rapid.IntRange(0, 10).Draw(t, "delay")) * time.Second
	}
	wanted := fmt.Sprint("m", m.next)
	m.next++
	id, sequence := m.queue.Send(m.now, wanted, content, delay)
	if sequence == 0 {
		t.Fatal("no sequence")
	}
	if at, sent := m.sends[content.DeduplicationID]; m.fifo && sent && m.now.Sub(at) < queue.DeduplicationWindow {
		if id != m.first[content.DeduplicationID] {
			t.Fatalf("a duplicate became %s, the first was %s", id, m.first[content.DeduplicationID])
		}
		return
	}
	if id != wanted {
		t.Fatalf("%s was taken for a duplicate of %s", wanted, id)
	}
	m.sends[content.DeduplicationID], m.first[content.DeduplicationID] = m.now, id
	m.alive = append(m.alive, &known{id: id, group: content.Group, sent: m.now, availableAt: m.now.Add(delay)})
}

func (m *machine) Receive(t *rapid.T) {
	m.forgetExpired()
	limit := rapid.IntRange(1, 10).Draw(t, "max")
	timeout := time.Duration(rapid.IntRange(0, 30).Draw(t, "visibility")) * time.Second
	delivered, dead, err := m.queue.Receive(m.now, queue.Request{Max: limit, Visibility: timeout, MaxAttempts: maxAttempts})
	if err != nil {
		t.Fatal(err)
	}
	if len(delivered) > limit {
		t.Fatalf("%d messages, asked for %d", len(delivered), limit)
	}
	blocked := map[string]bool{}
	for _, k := range m.alive {
		if m.fifo && m.now.Before(k.inFlightUntil) {
			blocked[k.group] = true
		}
	}
	for _, message := range dead {
		k := m.find(message.ID)
		m.mustBeAvailable(t, k, blocked)
		if k.receives < maxAttempts {
			t.Fatalf("%s died after %d receipts", k.id, k.receives)
		}
		m.dead = append(m.dead, k.id)
		m.alive = slices.DeleteFunc(m.alive, func(other *known) bool { return other == k })
	}
	for _, message := range delivered {
		k := m.find(message.ID)
		m.mustBeAvailable(t, k, blocked)
		if k.receives >= maxAttempts {
			t.Fatalf("%s was delivered for the %dth time", k.id, k.receives+1)
		}
		if message.Receives != k.receives+1 {
			t.Fatalf("%s has receive count %d, not %d", k.id, message.Receives, k.receives+1)
		}
	}
	m.mustBeOldest(t, delivered, limit, blocked)
	for _, message := range delivered {
		k := m.find(message.ID)
		k.receives++
		k.received, k.inFlightUntil = m.now, m.now.Add(timeout)
	}
}

func (m *machine) mustBeAvailable(t *rapid.T, k *known, blocked map[string]bool) {
	switch {
	case k == nil:
		t.Fatal("a message that is gone was delivered")
	case m.now.Before(k.inFlightUntil):
		t.Fatalf("%s was delivered while in flight", k.id)
	case m.now.Before(k.availableAt):
		t.Fatalf("%s was delivered before its delay was over", k.id)
	case blocked[k.group]:
		t.Fatalf("%s was delivered while its group %s was in flight", k.id, k.group)
	}
}

// mustBeOldest checks that nothing overtook, and that nothing was held back while there was room for it.
func (m *machine) mustBeOldest(t *rapid.T, delivered []*queue.Message, limit int, blocked map[string]bool) {
	got := map[string]bool{}
	for _, message := range delivered {
		got[message.ID] = true
	}
	passed := map[string]bool{} // what was left where it could have been delivered, by group; by "" on a standard queue
	for _, k := range m.alive {
		lane := ""
		if m.fifo {
			lane = k.group
		}
		available := !m.now.Before(k.availableAt) && !m.now.Before(k.inFlightUntil) && !blocked[k.group]
		switch {
		case got[k.id] && passed[lane]:
			t.Fatalf("%s overtook an older message", k.id)
		case !got[k.id] && available && len(delivered) < limit && (!m.fifo || !passed[lane]):
			t.Fatalf("%s was held back", k.id)
		case !got[k.id] && (available || m.fifo):
			passed[lane] = true
		}
	}
	for i := 1; i < len(delivered); i++ {
		a, b := delivered[i-1], delivered[i]
		if a.Sequence > b.Sequence && (!m.fifo || a.Group == b.Group) {
			t.Fatalf("%s came before %s", a.ID, b.ID)
		}
	}
}

// receipt draws a receipt: mostly the last of a message, now and then an older one, or one of a message that is gone.
func (m *machine) receipt(t *rapid.T) (queue.Receipt, *known) {
	id := fmt.Sprint("m", rapid.IntRange(0, max(m.next-1, 0)).Draw(t, "message"))
	k := m.find(id)
	if k == nil {
		return queue.Receipt{ID: id, Receive: 1}, nil
	}
	back := rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "receipts ago")
	return queue.Receipt{ID: id, Receive: k.receives - back}, k
}

func (m *machine) Delete(t *rapid.T) {
	m.forgetExpired()
	r, k := m.receipt(t)
	if k != nil && k.receives == 0 {
		return // nobody has a receipt of what was never received
	}
	err := m.queue.Delete(m.now, r)
	current := k != nil && r.Receive == k.receives
	switch {
	case k != nil && m.fifo && (!current || !m.now.Before(k.inFlightUntil)):
		if err == nil {
			t.Fatalf("%s was deleted with a receipt that has expired", k.id)
		}
		return
	case err != nil:
		t.Fatal(err)
	case current:
		m.alive = slices.DeleteFunc(m.alive, func(other *known) bool { return other == k })
	}
}

func (m *machine) ChangeVisibility(t *rapid.T) {
	m.forgetExpired()
	r, k := m.receipt(t)
	timeout := time.Duration(rapid.IntRange(0, 40).Draw(t, "visibility")) * time.Second
	err := m.queue.ChangeVisibility(m.now, r, timeout)
	allowed := k != nil && k.receives > 0 && r.Receive == k.receives && m.now.Before(k.inFlightUntil)
	if allowed != (err == nil) {
		t.Fatalf("allowed %t, error %v", allowed, err)
	}
	if allowed {
		k.inFlightUntil = m.now.Add(timeout)
	}
}

func (m *machine) Wait(t *rapid.T) {
	seconds := rapid.SampledFrom([]int{1, 3, 10, 31, 299, 1200}).Draw(t, "seconds")
	m.now = m.now.Add(time.Duration(seconds) * time.Second)
}

// WaitForNext passes to the moment that the queue names, before which passing time alone must have made nothing available.
func (m *machine) WaitForNext(t *rapid.T) {
	next := m.queue.Next(m.now)
	for _, k := range m.alive {
		for _, at := range []time.Time{k.availableAt, k.inFlightUntil} {
			if at.After(m.now) && (next.IsZero() || at.Before(next)) && m.now.Sub(k.sent) < retention {
				t.Fatalf("%s is due at %s, the queue says %s", k.id, at, next)
			}
		}
	}
	if !next.IsZero() {
		m.now = next
	}
}

func (m *machine) Purge(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "seldom") == 0 {
		m.queue.Purge()
		m.alive = nil
	}
}

// Restart makes the queue anew of what a store would hold.
func (m *machine) Restart(t *rapid.T) {
	m.queue = queue.New(m.settings())
	for _, sequence := range slices.Sorted(maps.Keys(m.messages)) {
		message := new(queue.Message)
		decode(t, m.messages[sequence], message)
		m.queue.Restore(message)
	}
	var duplicates []queue.Duplicate
	for _, encoded := range m.duplicates {
		var d queue.Duplicate
		decode(t, encoded, &d)
		duplicates = append(duplicates, d)
	}
	slices.SortFunc(duplicates, func(a, b queue.Duplicate) int { return a.SentAt.Compare(b.SentAt) })
	for _, d := range duplicates {
		m.queue.RestoreDuplicate(d)
	}
	if rapid.Bool().Draw(t, "release") {
		m.queue.Release(m.now)
		for _, k := range m.alive {
			k.inFlightUntil = time.Time{}
		}
	}
}

// Check holds after every step: nothing is lost, nothing is there twice, and a store that takes the changes holds it all.
func (m *machine) Check(t *rapid.T) {
	m.store(t)
	m.forgetExpired()
	var want queue.Count
	for _, k := range m.alive {
		switch {
		case m.now.Before(k.inFlightUntil):
			want.InFlight++
		case m.now.Before(k.availableAt):
			want.Delayed++
		default:
			want.Visible++
		}
	}
	if got := m.queue.Count(m.now); got != want {
		t.Fatalf("count %+v, want %+v", got, want)
	}
	for _, id := range m.dead {
		if m.find(id) != nil {
			t.Fatalf("%s is dead and alive", id)
		}
	}
}

func (m *machine) store(t *rapid.T) {
	changes := m.queue.Changes()
	for sequence, message := range changes.Messages {
		if delete(m.messages, sequence); message != nil {
			m.messages[sequence] = encode(t, message)
		}
	}
	for key, d := range changes.Duplicates {
		if delete(m.duplicates, key); d != nil {
			m.duplicates[key] = encode(t, d)
		}
	}
	m.queue.Saved()
}

func (m *machine) find(id string) *known {
	for _, k := range m.alive {
		if k.id == id {
			return k
		}
	}
	return nil
}

func (m *machine) forgetExpired() {
	m.alive = slices.DeleteFunc(m.alive, func(k *known) bool { return m.now.Sub(k.sent) >= retention })
}

func encode(t *rapid.T, value any) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func decode(t *rapid.T, encoded []byte, into any) {
	decoder := json.NewDecoder(strings.NewReader(string(encoded)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Fatal(err)
	}
}

func TestQueueAgainstNaiveModel(t *testing.T) {
	t.Parallel()
	for name, fifo := range map[string]bool{"standard": false, "fifo": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				t.Repeat(rapid.StateMachineActions(newMachine(t, fifo)))
			})
		})
	}
}
