package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/auth/oauth"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// How long what an OAuth call brings may be.
const (
	stateMost = 500
	codeMost  = 2000
)

// Connector connects workspaces.
type Connector interface {
	Start(ctx context.Context, client, clientState string) (oauth.Start, error)
	Finish(ctx context.Context, back oauth.Callback) (oauth.Connected, error)
}

// setupInstructions say what to set so that OAuth is configured.
type setupInstructions struct {
	ClientID     string `json:"oauth_client_id"`
	ClientSecret string `json:"oauth_client_secret"`
	RedirectURI  string `json:"oauth_redirect_uri"`
}

type oauthStarted struct {
	Envelope
	URL      string `json:"authorization_url"`
	State    string `json:"state"`
	Provider string `json:"provider"`
}

type oauthUnconfigured struct {
	problem
	Method       oauth.Method      `json:"current_auth_method"`
	HasToken     bool              `json:"has_notion_token"`
	Instructions setupInstructions `json:"setup_instructions"`
}

func oauthURLRoute() Route {
	return Route{Path: "/oauth/notion/url", Function: "oauth-url", Group: Workspaces, Alone: "A new workspace has no connection yet.", Methods: []Method{{
		Verb: http.MethodGet, Scope: access.Config, Does: "Returns the address where a person authorizes the integration in Notion.",
		Query:   []Parameter{{"state", "", "A text of yours that the callback returns."}},
		Answers: []Answer{{http.StatusOK, oauthStarted{}}, {http.StatusBadRequest, oauthUnconfigured{}}},
	}}}
}

// OAuthURL answers GET /oauth/notion/url. The state in the answer is the one in the address, which Notion brings back; the caller's own is
// told again at the callback.
func (a API) OAuthURL(connector Connector) http.Handler {
	return a.serve(oauthURLRoute(), endpoints{http.MethodGet: func(r *http.Request) (int, any, error) {
		own, err := ownState(r)
		if err != nil {
			return 0, nil, err
		}
		caller, err := callerOf(r)
		if err != nil {
			return 0, nil, err
		}
		start, err := connector.Start(r.Context(), caller.Client, own)
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, oauthStarted{a.ok(), start.URL, start.State, grant.Provider}, nil
	}})
}

func ownState(r *http.Request) (string, error) {
	own, err := one(r.URL.Query(), "state")
	if err == nil && (len(own) > stateMost || strings.ContainsFunc(own, unprintable)) {
		err = fault.New(fault.Invalid, "state may have %d bytes, all of them printable.", stateMost)
	}
	return own, err
}

func unprintable(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }

// OAuthUnconfigured answers GET /oauth/notion/url while OAuth is not configured: with what to set, and how Notion is spoken to now.
func (a API) OAuthUnconfigured(method func(context.Context) (oauth.Method, error)) http.Handler {
	return a.serve(oauthURLRoute(), endpoints{http.MethodGet: func(r *http.Request) (int, any, error) {
		if _, err := ownState(r); err != nil {
			return 0, nil, err
		}
		now, err := method(r.Context())
		if err != nil {
			return 0, nil, err
		}
		message := "Notion OAuth credentials not configured. Currently using token-based authentication."
		if now == oauth.ByNone {
			message = "Notion OAuth credentials not configured, and there is no NOTION_TOKEN either."
		}
		return http.StatusBadRequest, oauthUnconfigured{
			a.problem(r, "OAuth not configured", CodeNotConfigured, message), now, now == oauth.ByToken, setupInstructions{ //nolint:gosec // names
				ClientID:     "Set NOTION_OAUTH_CLIENT_ID environment variable",
				ClientSecret: "Set NOTION_OAUTH_CLIENT_SECRET environment variable",
				RedirectURI:  "Set NOTION_OAUTH_REDIRECT_URI environment variable",
			},
		}, nil
	}})
}

// connected is the answer to a callback that connected a workspace.
type connected struct {
	Envelope
	Provider      string `json:"provider"`
	WorkspaceName string `json:"workspace_name"`
	WorkspaceID   string `json:"workspace_id"`
	BotID         string `json:"bot_id"`
	State         string `json:"state"`
}

type oauthCode struct {
	Code        string `json:"code"`
	RedirectURI string `json:"redirect_uri"`
	State       string `json:"state"`
}

func oauthCallbackRoute() Route {
	return Route{Path: "/oauth/notion/callback", Function: "oauth-callback", Group: Workspaces, Alone: "A new workspace has no connection yet.", Methods: []Method{
		{
			Verb: http.MethodGet, Does: "Completes the authorization, for a browser that Notion sends back.", Lenient: true,
			Query: []Parameter{
				{"code", "", "What Notion gives."}, {"state", "", "What /oauth/notion/url returned."}, {"error", "", "Why Notion gives no code."},
			},
			Answers: []Answer{{http.StatusOK, connected{}}}, Fails: []fault.Kind{fault.Conflict}, Other: []string{"text/html"},
		},
		{
			Verb: http.MethodPost, Does: "Completes the authorization, for an application that has the code.",
			Body: oauthCode{}, Answers: []Answer{{http.StatusOK, connected{}}}, Fails: []fault.Kind{fault.Conflict},
		},
	}}
}

// OAuthCallback answers GET and POST /oauth/notion/callback. It is public, by the state: Notion sends a person's browser here, which sees a
// page, or an application brings the code itself. A caller who says who they are has to be the one who asked for the state.
func (a API) OAuthCallback(connector Connector) http.Handler {
	finish := func(r *http.Request, back oauth.Callback, err error) (int, any, error) {
		if err != nil {
			return 0, nil, err
		}
		if back.Client, err = optionalCaller(r); err != nil {
			return 0, nil, err
		}
		done, err := connector.Finish(r.Context(), back)
		if err != nil {
			return 0, nil, err
		}
		note(r, "asked_for_by", done.Client)
		note(r, "workspace_id", done.ID)
		note(r, "connection_id", done.ConnectionID)
		state := done.ClientState
		if state == "" {
			state = back.State
		}
		return http.StatusOK, connected{a.ok(), grant.Provider, done.Name, done.ID, done.BotID, state}, nil
	}
	both := endpoints{
		http.MethodGet: a.recorded(func(r *http.Request) (int, any, error) { // as Notion sends people back, though it is a change
			back, err := callbackInQuery(r)
			return finish(r, back, err)
		}),
		http.MethodPost: func(r *http.Request) (int, any, error) {
			back, err := callbackInBody(r)
			return finish(r, back, err)
		},
	}
	return Served{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead { // a look at the address is not the person's coming back
			r.Method = "a look"
		}
		answer := a.answer(r, oauthCallbackRoute(), both)
		if wantsPage(r) {
			a.writePage(w, r, answer)
			return
		}
		a.write(w, answer)
	}), oauthCallbackRoute()}
}

// optionalCaller returns who is calling, "" for somebody who does not say. Who says so and is not known is refused.
func optionalCaller(r *http.Request) (string, error) {
	if r.Header.Get("X-Api-Key") == "" && r.Header.Get("Authorization") == "" {
		return "", nil
	}
	caller, err := callerOf(r)
	return caller.Client, err
}

// callbackInQuery reads what Notion brings. What else it may add one day is let be.
func callbackInQuery(r *http.Request) (oauth.Callback, error) {
	values := r.URL.Query()
	var back oauth.Callback
	for _, p := range []struct {
		name string
		into *string
	}{{"code", &back.Code}, {"state", &back.State}, {"error", &back.Refused}} {
		text, err := one(values, p.name)
		if err != nil {
			return back, err
		}
		*p.into = text
	}
	return back, checkCallback(back)
}

func callbackInBody(r *http.Request) (oauth.Callback, error) {
	var in oauthCode
	if err := decodeBody(r, &in); err != nil {
		return oauth.Callback{}, err
	}
	back := oauth.Callback{Code: in.Code, State: in.State, RedirectURI: in.RedirectURI}
	return back, checkCallback(back)
}

func checkCallback(back oauth.Callback) error {
	if len(back.Code) > codeMost || len(back.State) > stateMost {
		return fault.New(fault.Invalid, "The code or the state is longer than any that Notion or this service gives.")
	}
	return nil
}

// Disconnector ends a connection by OAuth.
type Disconnector func(ctx context.Context, workspaceID, client string) (grant.Grant, error)

type disconnectRequest struct {
	WorkspaceID string `json:"workspace_id"`
}

type disconnected struct {
	Envelope
	Provider      string `json:"provider"`
	WorkspaceName string `json:"workspace_name"`
	WorkspaceID   string `json:"workspace_id"`
	Status        string `json:"status"`
}

func oauthDisconnectRoute() Route {
	return Route{Path: "/oauth/notion/disconnect", Function: "oauth-disconnect", Group: Workspaces, Alone: "It names the workspace.", Methods: []Method{{
		Verb: http.MethodPost, Scope: access.Config, Does: "Disconnects a workspace. `workspace_id` is required when several are connected.",
		Body: disconnectRequest{}, Examples: []string{`{"workspace_id":"…"}`},
		Answers: []Answer{{http.StatusOK, disconnected{}}}, Fails: []fault.Kind{fault.NotFound, fault.Conflict},
	}}}
}

// OAuthDisconnect answers POST /oauth/notion/disconnect. It may be repeated. The workspace has to be named when there are several.
func (a API) OAuthDisconnect(disconnect Disconnector) http.Handler {
	return a.serve(oauthDisconnectRoute(), endpoints{http.MethodPost: func(r *http.Request) (int, any, error) {
		var in disconnectRequest
		if err := decodeBody(r, &in); err != nil {
			return 0, nil, err
		}
		caller, err := callerOf(r)
		if err != nil {
			return 0, nil, err
		}
		gone, err := disconnect(r.Context(), in.WorkspaceID, caller.Client)
		if err != nil {
			return 0, nil, err
		}
		note(r, "workspace_id", gone.ID)
		return http.StatusOK, disconnected{a.ok(), grant.Provider, gone.Name, gone.ID, string(gone.Status)}, nil
	}})
}
