package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/journal"
)

// healthLimit is how long GET /health waits for what it looks at.
const healthLimit = 2 * time.Second

// Check asks a service whether it is well; its error says what is wrong, fault.Unauthorized that it does not know us.
type Check func(ctx context.Context) error

// HealthSettings are the settings that the health shows.
type HealthSettings struct {
	NotionOAuth bool // Notion's OAuth is configured
	Supabase    bool // a database is configured
	Realtime    bool
}

// The states of a service and of the whole.
const (
	healthy   = "healthy"
	degraded  = "degraded"
	unhealthy = "unhealthy"
)

type serviceHealth struct {
	Status        string `json:"status"`
	Authenticated bool   `json:"authenticated"`
	Message       string `json:"message,omitempty"`
}

// Health answers GET /health: public, so it says no more than whether things work. The database away is unhealthy, and 503;
// Notion away, or a last sync that failed, is degraded: what people write is kept and follows later.
func (a API) Health(notion, supabase Check, status StatusReader, settings HealthSettings) http.Handler {
	type health struct {
		Overall  string                   `json:"overall"`
		Services map[string]serviceHealth `json:"services"`
		Sync     syncState                `json:"sync"`
		OAuth    map[string]bool          `json:"oauth"`
		Realtime bool                     `json:"realtime_enabled"`
	}
	return a.serve("", methods{http.MethodGet: func(r *http.Request) (int, any, error) {
		ctx, cancel := context.WithTimeout(r.Context(), healthLimit)
		defer cancel()
		asked := make(chan error, 1)
		go func() { asked <- notion(ctx) }()
		supabaseErr := supabase(ctx)
		now := journal.Status{}
		if supabaseErr == nil {
			now, supabaseErr = status.Read(ctx)
		}
		notionErr := <-asked
		h := health{
			Overall:  overall(notionErr, supabaseErr, now.LastFailed),
			Services: map[string]serviceHealth{"notion": serviceOf(notionErr), "supabase": serviceOf(supabaseErr)},
			Sync:     stateOf(inShort(now), a.Now()),
			OAuth:    map[string]bool{"notion_configured": settings.NotionOAuth, "supabase_configured": settings.Supabase},
			Realtime: settings.Realtime,
		}
		code := http.StatusOK
		if h.Overall == unhealthy {
			code = http.StatusServiceUnavailable
		}
		h.Sync.Progress = nil
		answer := struct {
			Envelope
			Health health `json:"health"`
		}{a.ok(), h}
		answer.Success = h.Overall != unhealthy
		return code, answer, nil
	}})
}

// inShort leaves out what is for callers who are known: single records, and how far runs are.
func inShort(s journal.Status) journal.Status {
	s.Problems = slices.DeleteFunc(slices.Clone(s.Problems), func(p journal.Problem) bool { return p.RecordID != "" })
	return s
}

func overall(notion, supabase error, lastFailed bool) string {
	switch {
	case supabase != nil:
		return unhealthy
	case notion != nil || lastFailed:
		return degraded
	}
	return healthy
}

func serviceOf(err error) serviceHealth {
	if err == nil {
		return serviceHealth{Status: healthy, Authenticated: true}
	}
	return serviceHealth{Status: unhealthy, Message: fault.Message(err)}
}
