package api

import (
	"context"
	"net/http"
	"unicode"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/ops/stats"
	"github.com/act-platform/enhanced-integration/shared/resilience/cache"
)

// patternMost is how long a pattern may be.
const patternMost = 200

// Invalidate voids cached entries of some kinds whose keys fit a pattern, and gives how many went.
type Invalidate func(ctx context.Context, kinds []string, pattern, by string) (int64, error)

// kindsOf returns the kinds of entry of a cache_type; nil when there is none of that name.
func kindsOf(t cacheType) []string {
	notion := []string{stats.SchemaEntry, stats.UserEntry, stats.PageEntry, stats.HealthEntry}
	supabase := []string{stats.DashboardEntry}
	status := []string{stats.StatusEntry}
	switch t {
	case allCaches:
		return append(append(notion, supabase...), status...)
	case notionCaches:
		return notion
	case supabaseCaches:
		return supabase
	case syncCaches:
		return status
	}
	return nil
}

// cacheType is which cached answers are meant.
type cacheType string

// The cached answers.
const (
	allCaches      cacheType = "all"
	notionCaches   cacheType = "notion"
	supabaseCaches cacheType = "supabase"
	syncCaches     cacheType = "sync"
)

type cacheInvalidation struct {
	Type    cacheType `json:"cache_type"`
	Pattern string    `json:"pattern"`
}

type cacheInvalidated struct {
	Envelope
	Invalidated []string `json:"invalidated_caches"`
	Entries     int64    `json:"entries_invalidated"`
	Message     string   `json:"message"`
}

func cacheInvalidateRoute() Route {
	return Route{Path: "/cache/invalidate", Function: "cache-invalidate", Group: Operations, Methods: []Method{{
		Verb: http.MethodPost, Scope: access.Config, Does: "Clears cached answers. `cache_type` is `all`, `notion`, `supabase` or `sync`.",
		Body: cacheInvalidation{}, Examples: []string{`{"cache_type":"all","pattern":"*"}`}, Answers: []Answer{{http.StatusOK, cacheInvalidated{}}},
	}}}
}

// CacheInvalidate answers POST /cache/invalidate. It may be repeated.
func (a API) CacheInvalidate(invalidate Invalidate) http.Handler {
	return a.serve(cacheInvalidateRoute(), endpoints{http.MethodPost: func(r *http.Request) (int, any, error) {
		in := cacheInvalidation{Type: allCaches, Pattern: cache.All}
		if err := decodeBody(r, &in); err != nil {
			return 0, nil, err
		}
		kinds := kindsOf(in.Type)
		if kinds == nil {
			return 0, nil, fault.New(fault.Invalid, "cache_type must be all, notion, supabase or sync.")
		}
		if err := checkPattern(in.Pattern); err != nil {
			return 0, nil, err
		}
		caller, err := callerOf(r)
		if err != nil {
			return 0, nil, err
		}
		gone, err := invalidate(r.Context(), kinds, in.Pattern, caller.Client)
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, cacheInvalidated{a.ok(), kinds, gone, "Every function asks anew within a second."}, nil
	}})
}

func checkPattern(pattern string) error {
	if pattern == "" || len(pattern) > patternMost {
		return fault.New(fault.Invalid, "pattern must have 1 to %d characters; a star stands for anything.", patternMost)
	}
	for _, r := range pattern {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return fault.New(fault.Invalid, "pattern must be plain text; a star stands for anything.")
		}
	}
	return nil
}
