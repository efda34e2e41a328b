package event_test

import (
	"slices"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/events/event"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string][]event.Type{
		"error":      {event.Error},
		"alert_*":    {event.AlertRaised, event.AlertResolved},
		"sync_*":     {event.SyncStarted, event.SyncProgress, event.SyncCompleted, event.SyncFailed, event.SyncConflict, event.SyncHeld},
		"*":          event.Types(),
		"":           nil,
		"sync":       nil,
		"*_started":  nil,
		"sync_*d":    nil,
		"SYNC_*":     nil,
		"nothing_*":  nil,
		"error*":     {event.Error},
		"sync_held*": {event.SyncHeld},
	} {
		if got := event.Match(filter); !slices.Equal(got, want) {
			t.Errorf("%q fits %v", filter, got)
		}
	}
	if types := event.Types(); len(types) != 21 || len(slices.Compact(slices.Sorted(slices.Values(types)))) != 21 {
		t.Errorf("%d types", len(types))
	}
}

func TestDraft(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 20, 0, 0, 0, time.FixedZone("", 10*3600))
	e := event.Draft{Type: event.Error, Source: event.Notion, Target: event.Supabase, Data: map[string]int{"n": 1}}.New("id", at)
	if e.ID != "id" || string(e.Data) != `{"n":1}` || e.Timestamp.Location() != time.UTC || !e.Timestamp.Equal(at) {
		t.Errorf("%+v", e)
	}
	for _, none := range []any{nil, make(chan int)} {
		if e := (event.Draft{Data: none}).New("id", at); string(e.Data) != "{}" {
			t.Errorf("data %s", e.Data)
		}
	}
}
