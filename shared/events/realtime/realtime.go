// Package realtime broadcasts events to a channel of Supabase Realtime, so that a page that is open sees them as they happen.
package realtime

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

const (
	// Topic is the channel.
	Topic = "integration-events"
	limit = 5 * time.Second // for a request in all
	most  = 100             // messages in a request
)

// Channel is a channel of a Supabase project. It is private: who may listen is said by policies on realtime.messages.
//
// https://supabase.com/docs/guides/realtime/broadcast#broadcast-using-the-rest-api
type Channel struct {
	URL    string                                         // the project's, https://<project>.supabase.co
	Key    func(ctx context.Context) (secret.Text, error) // the service role's
	Client *http.Client
}

type message struct {
	Topic   string      `json:"topic"`
	Event   event.Type  `json:"event"`
	Payload event.Event `json:"payload"`
	Private bool        `json:"private"`
}

// Send broadcasts events, each under its type's name. fault.Unavailable: not all were taken.
func (c Channel) Send(ctx context.Context, events []event.Event) error {
	key, err := c.Key(ctx)
	if err != nil {
		return err
	}
	if key.Empty() {
		return fault.New(fault.Unavailable, "No key to broadcast with is set: put SUPABASE_SERVICE_ROLE_KEY into the app secret.")
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for some := range slices.Chunk(events, most) {
		if err := c.send(ctx, key, some); err != nil {
			return err
		}
	}
	return nil
}

func (c Channel) send(ctx context.Context, key secret.Text, events []event.Event) error {
	messages := make([]message, len(events))
	for i, e := range events {
		messages[i] = message{Topic, e.Type, e, true}
	}
	body, err := json.Marshal(map[string]any{"messages": messages})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"/realtime/v1/api/broadcast", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("apikey", key.Reveal())
	if strings.HasPrefix(key.Reveal(), "eyJ") { // a key of before 2026. The others, sb_secret_…, are no JWT, and refused as a bearer's token
		r.Header.Set("Authorization", "Bearer "+key.Reveal())
	}
	answer, err := c.Client.Do(r)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "Supabase Realtime cannot be reached")
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fault.New(fault.Unavailable, "Supabase Realtime answered %d.", answer.StatusCode)
	}
	return nil
}
