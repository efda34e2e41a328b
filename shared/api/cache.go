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
func kindsOf(cacheType string) []string {
	notion := []string{stats.SchemaEntry, stats.UserEntry, stats.PageEntry, stats.HealthEntry}
	supabase := []string{stats.DashboardEntry}
	status := []string{stats.StatusEntry}
	switch cacheType {
	case "all":
		return append(append(notion, supabase...), status...)
	case "notion":
		return notion
	case "supabase":
		return supabase
	case "sync":
		return status
	}
	return nil
}

// CacheInvalidate answers POST /cache/invalidate. It may be repeated.
func (a API) CacheInvalidate(invalidate Invalidate) http.Handler {
	return a.serve(access.Config, methods{http.MethodPost: func(r *http.Request) (int, any, error) {
		if _, err := query(r); err != nil {
			return 0, nil, err
		}
		in := struct {
			Type    string `json:"cache_type"`
			Pattern string `json:"pattern"`
		}{Type: "all", Pattern: cache.All}
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
		return http.StatusOK, struct {
			Envelope
			Invalidated []string `json:"invalidated_caches"`
			Entries     int64    `json:"entries_invalidated"`
			Message     string   `json:"message"`
		}{a.ok(), kinds, gone, "Every function asks anew within a second."}, nil
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
