package realtime_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/events/realtime"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

func key(k string) func(context.Context) (secret.Text, error) {
	return func(context.Context) (secret.Text, error) { return secret.Of(k), nil }
}

func TestSend(t *testing.T) {
	t.Parallel()
	var requests []int
	status := http.StatusAccepted
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var sent struct {
			Messages []struct {
				Topic, Event string
				Payload      event.Event
				Private      bool
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil || r.URL.Path != "/realtime/v1/api/broadcast" || r.Header.Get("apikey") != "service" || r.Header.Get("Authorization") != "" {
			t.Errorf("%s %v %v", r.URL.Path, r.Header, err)
		}
		for _, m := range sent.Messages {
			if m.Topic != realtime.Topic || m.Event != "error" || m.Payload.ID != "1" || !m.Private || string(m.Payload.Data) != `{"n":1}` {
				t.Errorf("%+v", m)
			}
		}
		requests = append(requests, len(sent.Messages))
		w.WriteHeader(status)
	}))
	defer server.Close()
	c := realtime.Channel{URL: server.URL, Key: key("service"), Client: server.Client()}
	e := event.Draft{Type: event.Error, Data: map[string]int{"n": 1}}.New("1", time.Now())
	events := make([]event.Event, 150)
	for i := range events {
		events[i] = e
	}
	if err := c.Send(t.Context(), events); err != nil || len(requests) != 2 || requests[0] != 100 || requests[1] != 50 {
		t.Errorf("%v, %v", requests, err)
	}
	status = http.StatusUnauthorized
	if err := c.Send(t.Context(), events[:1]); fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), "service") {
		t.Errorf("refused: %v", err)
	}
	server.Close()
	if err := c.Send(t.Context(), events[:1]); fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), "Bearer") {
		t.Errorf("away: %v", err)
	}
	c.Key = key("")
	if err := c.Send(t.Context(), events[:1]); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("no key: %v", err)
	}
}

// TestOnlyAJWTIsABearersToken: a secret key of 2026 is none, and Supabase refuses it there.
func TestOnlyAJWTIsABearersToken(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"eyJhbGciOiJIUzI1NiJ9.e30.x": "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x", "sb_secret_0123456789": ""} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("apikey") != given || r.Header.Get("Authorization") != want {
				t.Errorf("%v", r.Header)
			}
			w.WriteHeader(http.StatusAccepted)
		}))
		defer server.Close()
		c := realtime.Channel{URL: server.URL, Key: key(given), Client: server.Client()}
		if err := c.Send(t.Context(), []event.Event{event.Draft{Type: event.Error}.New("1", time.Now())}); err != nil {
			t.Error(err)
		}
	}
}
