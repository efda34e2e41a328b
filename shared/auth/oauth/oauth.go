// Package oauth connects Notion workspaces by OAuth, and keeps their tokens good: one refresh at a time, the new pair kept before
// anything else is done with it, and a dead pair never taken for a live one.
package oauth

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// Exchanger exchanges a person's consent for tokens.
type Exchanger interface {
	AuthorizationURL(state string) string
	// Exchange returns the tokens for a code; an error that wraps grant.ErrInvalidGrant when the code is good for nothing.
	Exchange(ctx context.Context, code string) (grant.Answer, error)
	Revoke(ctx context.Context, access secret.Text) error
}

// Attempts keeps the states that were given out.
type Attempts interface {
	Begin(ctx context.Context, a grant.Attempt) error
	// Take uses an attempt up; fault.NotFound when there is none with that state that client may use at that time. An empty client
	// is one who did not say who they are.
	Take(ctx context.Context, stateSHA256 []byte, client string, at time.Time) (grant.Attempt, error)
}

// Connections keeps what is known of connections.
type Connections interface {
	// Place returns the connection of a workspace, and the version of the last pair that it had, 0 for none. A workspace that is
	// not known goes to the connection that is there from the start while that has none, and else to a new one.
	Place(ctx context.Context, w grant.Workspace) (connectionID string, version int64, err error)
	// Connect makes a grant the connection's, and gives the name of the secret that the grant before had, "" for none.
	// fault.Conflict when another grant came first.
	Connect(ctx context.Context, g grant.Grant, happened event.Draft) (replaced string, err error)
}

// Vault keeps pairs of tokens.
type Vault interface {
	// Read returns the current pair; fault.NotFound when there is none of that name.
	Read(ctx context.Context, name string) (grant.Pair, error)
	// Previous returns the pair before the current one; fault.NotFound when there is none.
	Previous(ctx context.Context, name string) (grant.Pair, error)
	// Put makes a pair the current one, and the one that was current the previous one; fault.Conflict when another pair of that
	// version is there.
	Put(ctx context.Context, name string, p grant.Pair) error
}

// Deleter forgets pairs.
type Deleter interface {
	// Delete forgets all pairs of a name, without delay. That there are none is no error.
	Delete(ctx context.Context, name string) error
}

// Creator begins to keep pairs.
type Creator interface {
	// Create keeps the first pair of a new name.
	Create(ctx context.Context, name string, p grant.Pair) error
	Deleter
}

// Connector connects workspaces.
type Connector struct {
	Notion      Exchanger
	Attempts    Attempts
	Connections Connections
	Vault       Creator
	RedirectURI string
	SecretName  func(attemptID string) string
	Now         func() time.Time
	NewID       func() string
	Random      io.Reader
	Log         *slog.Logger
}

// Start is what a person has to follow to give consent.
type Start struct {
	URL   string
	State string // that Notion will bring back
}

// Start begins an attempt of a client.
func (c Connector) Start(ctx context.Context, client, clientState string) (Start, error) {
	state, err := grant.NewState(c.Random)
	if err != nil {
		return Start{}, err
	}
	attempt := grant.Attempt{
		ID: c.NewID(), StateSHA256: grant.HashState(state), Client: client, ClientState: clientState, CreatedAt: c.Now(),
	}
	if err := c.Attempts.Begin(ctx, attempt); err != nil {
		return Start{}, err
	}
	return Start{URL: c.Notion.AuthorizationURL(state), State: state}, nil
}

// Callback is what Notion, or an application in its place, brings back.
type Callback struct {
	Code        string
	State       string
	Refused     string // Notion's error, instead of a code
	RedirectURI string // "" where Notion itself comes
	Client      string // "" where nobody says who they are
}

// Connected is a workspace that has been connected.
type Connected struct {
	ConnectionID string
	grant.Workspace
	ClientState string
	Client      string // who asked for it
}

// Finish ends an attempt. Its key is the state, which is good once. fault.Invalid: the callback is none that fits an attempt, the person
// refused, or the code is good for nothing; fault.Unavailable: begin again later.
func (c Connector) Finish(ctx context.Context, back Callback) (Connected, error) {
	switch {
	case back.State == "":
		return Connected{}, fault.New(fault.Invalid, "The state is missing. Begin at GET /oauth/notion/url.")
	case back.RedirectURI != "" && back.RedirectURI != c.RedirectURI:
		return Connected{}, fault.New(fault.Invalid, "redirect_uri is not the one that is set up: it must be NOTION_OAUTH_REDIRECT_URI.")
	case back.Refused == "" && back.Code == "":
		return Connected{}, fault.New(fault.Invalid, "The code is missing. Begin again at GET /oauth/notion/url.")
	}
	attempt, err := c.Attempts.Take(ctx, grant.HashState(back.State), back.Client, c.Now())
	if fault.KindOf(err) == fault.NotFound {
		return Connected{}, fault.New(fault.Invalid,
			"The state is not known: it was used, is older than ten minutes, or was given to somebody else. Begin again at GET /oauth/notion/url.")
	}
	if err != nil {
		return Connected{}, err
	}
	if back.Refused != "" {
		return Connected{}, fault.New(fault.Invalid, "Access was not allowed in Notion. Nothing has been connected.")
	}
	answer, err := c.Notion.Exchange(ctx, back.Code)
	if errors.Is(err, grant.ErrInvalidGrant) {
		return Connected{}, fault.Wrap(err, fault.Invalid, "Notion does not accept the code: it was used, or is too old. Begin again at GET /oauth/notion/url.")
	}
	if err != nil {
		return Connected{}, err
	}
	connectionID, unheard, err := c.keep(ctx, attempt, answer)
	if err != nil && !unheard {
		// A token that nobody keeps is to open nothing.
		if err := c.Notion.Revoke(context.WithoutCancel(ctx), answer.Access); err != nil {
			c.Log.WarnContext(ctx, "a token that could not be kept could not be revoked either", "error", err)
		}
	}
	if err != nil {
		return Connected{}, err
	}
	return Connected{ConnectionID: connectionID, Workspace: answer.Workspace, ClientState: attempt.ClientState, Client: attempt.Client}, nil
}

// keep keeps the tokens, and then what is known of them. A secret that a crash in between leaves is swept: the attempt names it. unheard: the
// database did not answer, and the grant may be stored, so its tokens have to stay good.
func (c Connector) keep(ctx context.Context, attempt grant.Attempt, answer grant.Answer) (connectionID string, unheard bool, err error) {
	if answer.ID == "" {
		return "", false, fault.New(fault.Unavailable, "Notion did not say which workspace it is. Begin again at GET /oauth/notion/url.")
	}
	connectionID, version, err := c.Connections.Place(ctx, answer.Workspace)
	if err != nil {
		return "", false, err
	}
	name := c.SecretName(attempt.ID)
	pair := answer.Pair
	pair.Version = version + 1
	if err := c.Vault.Create(ctx, name, pair); err != nil {
		return "", false, err
	}
	granted := grant.Grant{
		ConnectionID: connectionID, SecretID: name, Status: grant.Connected, Workspace: answer.Workspace, Scope: answer.Scope,
		Version: pair.Version, Worked: true, IssuedAt: c.Now(), ExpiresAt: answer.ExpiresAt,
	}
	replaced, err := c.Connections.Connect(ctx, granted, draft(event.OAuthConnected, granted, "asked for by "+attempt.Client))
	switch {
	case fault.KindOf(err) == fault.Unavailable:
		return connectionID, true, err
	case err != nil:
		replaced = name
	}
	if replaced != "" {
		if err := c.Vault.Delete(context.WithoutCancel(ctx), replaced); err != nil {
			c.Log.WarnContext(ctx, "a secret that is not used any more could not be deleted", "error", err)
		}
	}
	return connectionID, false, err
}

// eventData is the data of OAuth's events.
type eventData struct {
	Provider      string `json:"provider"`
	WorkspaceID   string `json:"workspace_id"`
	WorkspaceName string `json:"workspace_name"`
	Version       int64  `json:"version"`
	Reason        string `json:"reason,omitempty"`
}

func draft(t event.Type, g grant.Grant, reason string) event.Draft {
	return event.Draft{
		Type: t, Source: event.Notion, Target: event.Integration,
		Data: eventData{grant.Provider, g.ID, g.Name, g.Version, reason},
	}
}
