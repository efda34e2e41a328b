package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/ident"
	"github.com/act-platform/enhanced-integration/infra/notionsim/journal"
	"github.com/act-platform/enhanced-integration/infra/notionsim/workspace"
)

// delivery is one event on its way.
type delivery struct {
	Number  int                `json:"number"`
	EventID string             `json:"event_id"`
	Event   workspace.Event    `json:"event"`
	Authors []workspace.Author `json:"authors"`
	Due     time.Time          `json:"due"`
	Attempt int                `json:"attempt"` // the next one
	gone    bool
}

// take takes one event in and gives what changed among the deliveries. The caller holds the lock.
func (h *Hub) take(e workspace.Event) []*delivery {
	habits := h.config.Habits()
	if habits.Merging {
		if merged, ok := h.merge(e); ok {
			return merged
		}
	}
	if habits.Loss > 0 && h.random.Float64() < habits.Loss {
		return nil
	}
	copies := 1
	if habits.Duplication > 0 && h.random.Float64() < habits.Duplication {
		copies = 2
	}
	h.given++
	id := ident.UUID(h.config.Seed, "event", strconv.Itoa(h.given))
	var added []*delivery
	for range copies {
		due := h.config.Now().Add(habits.Delay)
		if habits.Jitter > 0 {
			due = due.Add(time.Duration(h.random.Int64N(int64(habits.Jitter))))
		}
		h.given++
		added = append(added, &delivery{Number: h.given, EventID: id, Event: e, Authors: []workspace.Author{e.Author}, Due: due, Attempt: 1})
	}
	h.pending = append(h.pending, added...)
	return added
}

// merge takes an event into one that is not due yet, whoever caused either: the authors of both are named. A page that is
// deleted before anybody was told of its creation was never there.
func (h *Hub) merge(e workspace.Event) ([]*delivery, bool) {
	var changed []*delivery
	found := false
	for _, d := range h.pending {
		if d.Event.EntityID != e.EntityID || d.Attempt > 1 || !d.Due.After(h.config.Now()) {
			continue
		}
		switch {
		case d.Event.Type == e.Type:
			found = true
			d.absorb(e)
		case d.Event.Type == "page.created" && e.Type == "page.deleted":
			found = true
			d.gone = true
		default:
			continue
		}
		changed = append(changed, d)
	}
	h.pending = slices.DeleteFunc(h.pending, func(d *delivery) bool { return d.gone })
	return changed, found
}

func (d *delivery) absorb(e workspace.Event) {
	d.Event.At = e.At
	if !slices.Contains(d.Authors, e.Author) {
		d.Authors = append(d.Authors, e.Author)
	}
	for _, p := range e.Properties {
		if !slices.Contains(d.Event.Properties, p) {
			d.Event.Properties = append(slices.Clone(d.Event.Properties), p)
		}
	}
	d.Event.Schema = append(slices.Clone(d.Event.Schema), e.Schema...)
}

// keep writes deliveries to the journal, or removes those that are gone.
func (h *Hub) keep(deliveries ...*delivery) error {
	records := make([]journal.Record, 0, len(deliveries))
	for _, d := range deliveries {
		r := journal.Record{Kind: kindPending, ID: fmt.Sprintf("%012d", d.Number)}
		if !d.gone {
			var err error
			if r.Data, err = json.Marshal(d); err != nil {
				return err
			}
		}
		records = append(records, r)
	}
	return h.config.Kept.Put(records...)
}

// Deliver sends what is due now, one after the other, and gives how many were taken and how many must be sent again.
func (h *Hub) Deliver(ctx context.Context) (taken, failed int) {
	h.sending.Lock()
	defer h.sending.Unlock()
	for _, d := range h.due() {
		s := h.Subscription()
		if s == nil || ctx.Err() != nil {
			break
		}
		err := h.send(ctx, *s, d)
		if err == nil {
			taken++
		} else {
			failed++
			h.config.Log.Info("a webhook was not taken", "event", d.Event.Type, "attempt", d.Attempt, "error", err)
		}
		if err := h.settle(d, err == nil); err != nil {
			h.config.Log.Error("webhooks are not kept", "error", err)
		}
	}
	return taken, failed
}

func (h *Hub) due() []*delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	var due []*delivery
	for _, d := range h.pending {
		if !d.Due.After(h.config.Now()) {
			due = append(due, d)
		}
	}
	slices.SortStableFunc(due, func(a, b *delivery) int { return a.Due.Compare(b.Due) })
	if h.config.Habits().Shuffled {
		h.random.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
	}
	return due
}

// send posts one delivery, signed.
func (h *Hub) send(ctx context.Context, s Subscription, d *delivery) error {
	h.mu.Lock()
	body, err := json.Marshal(h.payload(s, d))
	h.mu.Unlock()
	if err != nil {
		return err
	}
	return h.post(ctx, s.URL, body, Sign(s.Token, body))
}

// settle removes a delivery that was taken, or that was tried often enough, and puts off another.
func (h *Hub) settle(d *delivery, taken bool) error {
	waits := []time.Duration{
		time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if taken || d.Attempt > len(waits) {
		d.gone = true
		h.pending = slices.DeleteFunc(h.pending, func(other *delivery) bool { return other == d })
	} else {
		d.Due = h.config.Now().Add(waits[d.Attempt-1])
		d.Attempt++
	}
	return h.keep(d)
}

// payload returns a delivery's body. It has no content: the subscriber asks the API for that.
func (h *Hub) payload(s Subscription, d *delivery) any {
	type entity struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	}
	type data struct {
		Parent  workspace.Parent `json:"parent"`
		Updated any              `json:"updated_properties,omitempty"`
		Blocks  []entity         `json:"updated_blocks,omitzero"`
	}
	body := data{Parent: d.Event.Parent}
	switch d.Event.Type {
	case "page.properties_updated":
		body.Updated = d.Event.Properties
	case "data_source.schema_updated":
		body.Updated = d.Event.Schema
	case "page.content_updated":
		body.Blocks = []entity{}
	}
	return struct {
		ID             string             `json:"id"`
		Timestamp      string             `json:"timestamp"`
		WorkspaceID    string             `json:"workspace_id"`
		WorkspaceName  string             `json:"workspace_name"`
		SubscriptionID string             `json:"subscription_id"`
		IntegrationID  string             `json:"integration_id"`
		Authors        []workspace.Author `json:"authors"`
		Attempt        int                `json:"attempt_number"`
		APIVersion     string             `json:"api_version"`
		Entity         entity             `json:"entity"`
		Type           string             `json:"type"`
		Data           data               `json:"data"`
	}{
		d.EventID, d.Event.At.UTC().Format("2006-01-02T15:04:05.000Z"), h.config.WorkspaceID, workspace.Name, s.ID,
		ident.UUID(h.config.Seed, "integration"), d.Authors, d.Attempt, "2026-03-11",
		entity{d.Event.EntityID, d.Event.EntityType},
		d.Event.Type, body,
	}
}
