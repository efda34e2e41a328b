package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/auth/oauth"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/settings"
)

// Settings keeps the connections' settings.
type Settings interface {
	Read(ctx context.Context, connectionID string) (settings.Settings, error)
	List(ctx context.Context) ([]settings.Settings, error)
	// Save stores settings that are still of the version that they were read with; else fault.Conflict.
	Save(ctx context.Context, is settings.Settings, by string) error
}

// Configured is what GET /config shows beside the settings. Of secrets it says whether they are set.
type Configured struct {
	Notion, Supabase Check
	Auth             func(ctx context.Context) NotionAuth
	Grants           func(ctx context.Context) ([]grant.Grant, error)
	Synced           func(ctx context.Context) (map[string]time.Time, error) // when a sync of each connection last succeeded
	Set              func(ctx context.Context, secret string) (bool, error)
	Secrets          []string // that may be set
	First            string   // the connection that is there from the start
	Connection       string   // the one that is asked about: Notion and Auth are its
	Kinds            []string
	Databases        map[string]string // of the first connection, by kind
	SupabaseURL      string
	Schedule         string // an EventBridge schedule expression
	BatchSize        int
	Attempts         int           // of one call to Notion
	Plan             settings.Plan // of connections that do not say
	Realtime         bool
	Limit            time.Duration // of all that is looked at; 0: 1.2 seconds
}

type configShown struct {
	Notion      notionConfig       `json:"notion"`
	Supabase    supabaseConfig     `json:"supabase"`
	Sync        syncConfig         `json:"sync"`
	Features    map[string]bool    `json:"features"`
	Secrets     map[string]string  `json:"secrets"` // "set" or "not set"
	Connections []connectionConfig `json:"connections"`
}

type notionConfig struct {
	OAuthConfigured bool         `json:"oauth_configured"`
	Authenticated   *bool        `json:"authenticated"` // null: nobody asked, or it did not say
	Status          string       `json:"status"`
	Method          oauth.Method `json:"auth_method,omitempty"` // not there: it could not be found out in time
}

type supabaseConfig struct {
	URL           string `json:"url"`
	Authenticated *bool  `json:"authenticated"`
	Status        string `json:"status"`
}

type syncConfig struct {
	Realtime  bool       `json:"realtime_enabled"`
	Interval  *int64     `json:"interval_ms"` // null where the schedule does not tick evenly
	Schedule  string     `json:"schedule"`
	BatchSize int        `json:"batch_size"`
	Attempts  int        `json:"retry_attempts"`
	Policy    merge.Rule `json:"conflict_policy"`
}

type connectionConfig struct {
	ID        string            `json:"connection_id"`
	Name      string            `json:"name"`
	First     bool              `json:"first"` // meant where no connection is named
	Policy    merge.Rule        `json:"conflict_policy"`
	Minutes   int               `json:"sync_interval_minutes"`
	Plan      settings.Plan     `json:"notion_plan"`
	Databases map[string]string `json:"databases"`
	LastSync  *string           `json:"last_sync"`
	OAuth     *grantConfig      `json:"oauth"`
}

type grantConfig struct {
	Status        grant.Status `json:"status"`
	WorkspaceID   string       `json:"workspace_id"`
	WorkspaceName string       `json:"workspace_name"`
	BotID         string       `json:"bot_id"`
	RefreshedAt   string       `json:"refreshed_at"`
}

type configAnswer struct {
	Envelope
	Configuration configShown       `json:"configuration"`
	Changed       []settings.Change `json:"changed,omitempty"`
}

func configRoute() Route {
	return Route{Path: "/config", Function: "config", Group: Workspaces, Methods: []Method{
		{
			Verb: http.MethodGet, Scope: access.Read, Answers: []Answer{{http.StatusOK, configAnswer{}}},
			Does: "Lists all connections with their status, last sync and settings. Shows which secrets are set, never their values.",
		},
		{
			Verb: http.MethodPost, Scope: access.Config, Also: access.Read, Answers: []Answer{{http.StatusOK, configAnswer{}}}, Fails: []fault.Kind{fault.Conflict},
			Does: "Changes `conflict_policy`, `sync_interval_minutes`, `notion_plan` or `databases` of a connection.",
			Body: settings.Patch{}, Examples: []string{`{"conflict_policy":"newest"}`},
		},
	}}
}

// Config answers GET and POST /config: what the integration is set to, with all connections, and the settings of a connection that may
// change at run time.
func (a API) Config(stored Settings, c Configured) http.Handler {
	return a.serve(configRoute(), endpoints{
		http.MethodGet: func(r *http.Request) (int, any, error) {
			shown, err := c.show(r.Context(), stored)
			return http.StatusOK, configAnswer{a.ok(), shown, nil}, err
		},
		http.MethodPost: func(r *http.Request) (int, any, error) {
			changed, err := c.change(r, stored)
			if err != nil {
				return 0, nil, err
			}
			shown, err := c.show(r.Context(), stored)
			return http.StatusOK, configAnswer{a.ok(), shown, changed}, err
		},
	})
}

func (c Configured) change(r *http.Request, stored Settings) ([]settings.Change, error) {
	var in settings.Patch
	if err := decodeBody(r, &in); err != nil {
		return nil, err
	}
	caller, err := callerOf(r)
	if err != nil {
		return nil, err
	}
	was, err := stored.Read(r.Context(), c.Connection)
	if err != nil {
		return nil, err
	}
	is, changed, err := was.With(in, c.Kinds)
	if err != nil {
		return nil, err
	}
	if len(changed) == 0 {
		return nil, fault.New(fault.Invalid, "Nothing would change. Send conflict_policy, sync_interval_minutes, notion_plan or databases.")
	}
	note(r, "connection_id", is.ConnectionID)
	note(r, "changed", changed)
	return changed, stored.Save(r.Context(), is, caller.Client)
}

func (c Configured) show(ctx context.Context, stored Settings) (configShown, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Limit, healthLimit))
	defer cancel()
	all, err := stored.List(ctx)
	if err != nil {
		return configShown{}, err
	}
	grants, err := c.Grants(ctx)
	if err != nil {
		return configShown{}, err
	}
	synced, err := c.Synced(ctx)
	if err != nil {
		return configShown{}, err
	}
	notion, supabase, auth := c.Notion(ctx), c.Supabase(ctx), c.Auth(ctx)
	shown := configShown{
		Notion: notionConfig{
			OAuthConfigured: auth.OAuthConfigured, Authenticated: knowsUs(notion), Status: reached(notion), Method: auth.Method,
		},
		Supabase: supabaseConfig{URL: c.SupabaseURL, Authenticated: knowsUs(supabase), Status: reached(supabase)},
		Sync:     syncConfig{Realtime: c.Realtime, Schedule: c.Schedule, BatchSize: c.BatchSize, Attempts: c.Attempts},
		Features: map[string]bool{
			"oauth": auth.OAuthConfigured, "realtime_sync": c.Realtime, "supabase_auth": c.SupabaseURL != "", "several_workspaces": auth.OAuthConfigured,
		},
		Secrets: map[string]string{},
	}
	for _, name := range c.Secrets {
		set, err := c.Set(ctx, name)
		if err != nil {
			return configShown{}, err
		}
		shown.Secrets[name] = map[bool]string{true: "set", false: "not set"}[set]
	}
	for _, s := range all {
		if s.ConnectionID == c.Connection {
			c.askedAbout(&shown.Sync, s)
		}
		one := c.connection(s, grants)
		one.LastSync = stampOrNull(synced[s.ConnectionID])
		shown.Connections = append(shown.Connections, one)
	}
	return shown, nil
}

// askedAbout shows a connection's settings where clients that know of one connection look for them.
func (c Configured) askedAbout(shown *syncConfig, s settings.Settings) {
	shown.Policy = s.Policy
	every := settings.Every(c.Schedule)
	if s.Interval > 0 {
		every = max(s.Interval, every)
	}
	if every > 0 {
		ms := int64(every / time.Millisecond)
		shown.Interval = &ms
	}
}

func (c Configured) connection(s settings.Settings, grants []grant.Grant) connectionConfig {
	shown := connectionConfig{
		ID: s.ConnectionID, Name: s.Name, First: s.ConnectionID == c.First, Policy: s.Policy, Minutes: int(s.Interval.Minutes()), Plan: s.Plan, Databases: map[string]string{},
	}
	if shown.Plan == "" {
		shown.Plan = c.Plan
	}
	for _, kind := range c.Kinds {
		id := s.Databases[kind]
		if id == "" && s.ConnectionID == c.First {
			id = c.Databases[kind]
		}
		shown.Databases[kind] = id
	}
	for _, g := range grants {
		if g.ConnectionID == s.ConnectionID {
			shown.OAuth = &grantConfig{g.Status, g.ID, g.Name, g.BotID, stamp(g.IssuedAt)}
		}
	}
	return shown
}
