// Package event holds the things that happen and that others may want to know: what the outbox keeps, GET /events shows and
// subscribers are told. Pure.
package event

import (
	"encoding/json"
	"strings"
	"time"
)

// Type names what happened.
type Type string

// The types of the contract.
const (
	SyncStarted        Type = "sync_started"
	SyncProgress       Type = "sync_progress"
	SyncCompleted      Type = "sync_completed"
	SyncFailed         Type = "sync_failed"
	SyncConflict       Type = "sync_conflict"
	SyncHeld           Type = "sync_held"
	RecordCreated      Type = "record_created"
	RecordUpdated      Type = "record_updated"
	RecordDeleted      Type = "record_deleted"
	OAuthConnected     Type = "oauth_connected"
	OAuthRefresh       Type = "oauth_refresh"
	OAuthExpiring      Type = "oauth_expiring"
	OAuthRevoked       Type = "oauth_revoked"
	AlertRaised        Type = "alert_raised"
	AlertResolved      Type = "alert_resolved"
	CacheInvalidated   Type = "cache_invalidated"
	ConsistencyChecked Type = "consistency_checked"
	WebhookDisabled    Type = "webhook_disabled"
	SchemaChanged      Type = "schema_changed"
	Error              Type = "error"
	Ping               Type = "ping" // a subscriber's test; goes to that subscriber only
)

// Types returns every type, in the contract's order.
func Types() []Type {
	return []Type{
		SyncStarted, SyncProgress, SyncCompleted, SyncFailed, SyncConflict, SyncHeld, RecordCreated, RecordUpdated,
		RecordDeleted, OAuthConnected, OAuthRefresh, OAuthExpiring, OAuthRevoked, AlertRaised, AlertResolved,
		CacheInvalidated, ConsistencyChecked, WebhookDisabled, SchemaChanged, Error, Ping,
	}
}

// Match returns the types that a filter names: a type itself, or a beginning and a star (`sync_*`, `*`). None when the filter
// fits no type.
func Match(filter string) []Type {
	prefix, wild := strings.CutSuffix(filter, "*")
	var matched []Type
	for _, t := range Types() {
		if string(t) == filter || wild && strings.HasPrefix(string(t), prefix) {
			matched = append(matched, t)
		}
	}
	return matched
}

// System names where something happened, or where it had its effect.
type System string

// The systems.
const (
	Notion      System = "notion"
	Supabase    System = "supabase"
	Integration System = "integration" // this system itself
)

// Systems returns every system.
func Systems() []System { return []System{Notion, Supabase, Integration} }

// Event is one thing that happened.
type Event struct {
	ID        string          `json:"id"`
	Type      Type            `json:"type"`
	Source    System          `json:"source_system"`
	Target    System          `json:"target_system"`
	Data      json.RawMessage `json:"data"`
	Timestamp time.Time       `json:"timestamp"`
	// TraceID is the trace in which it happened, where it was stored; it is no part of what subscribers are sent.
	TraceID string `json:"-"`
}

// Draft is an event before it has an id and a time.
type Draft struct {
	Type           Type
	Source, Target System
	Data           any // marshals to a JSON object
}

// New makes the event. Data that cannot be marshalled is a defect of ours and gives an empty object.
func (d Draft) New(id string, at time.Time) Event {
	data, err := json.Marshal(d.Data)
	if err != nil || d.Data == nil {
		data = json.RawMessage("{}")
	}
	return Event{ID: id, Type: d.Type, Source: d.Source, Target: d.Target, Data: data, Timestamp: at.UTC()}
}

// Filter says which events are asked for.
type Filter struct {
	Types  []Type    // none: all
	Source System    // "": all
	Since  time.Time // zero: all
	Before int64     // only events before this place; 0: from the newest
	Limit  int
}

// Page is a stretch of events, newest first.
type Page struct {
	Events []Event
	Total  int   // how many there are that fit the filter, wherever the page begins
	Next   int64 // where the next page begins; 0 at the end
}
