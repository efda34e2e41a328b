package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// NoticeTaker takes in what others say has changed.
type NoticeTaker interface {
	// Notion takes in a webhook of Notion's; fault.Unauthorized when it is none.
	Notion(ctx context.Context, body []byte, signature string) error
	// Changed takes in that rows of a database of a connection changed; "" is the first.
	Changed(ctx context.Context, connectionID, kind string)
}

func notionWebhookRoute() Route {
	return Route{
		Path: "/webhooks/notion", Function: "webhooks-notion", Group: Webhooks, Public: true, Signed: true, Alone: "Notion says of which workspace it is.",
		Methods: []Method{{
			Verb: http.MethodPost, Does: "Receives Notion's webhooks. Checks the signature.", Lenient: true, Body: map[string]any{},
			Answers: []Answer{{http.StatusOK, Envelope{}}}, Fails: []fault.Kind{fault.Unauthorized, fault.Conflict},
		}},
	}
}

// NotionWebhook answers POST /webhooks/notion. Its key is the webhook's id: Notion sends again what it holds for lost.
func (a API) NotionWebhook(desk NoticeTaker) http.Handler {
	return a.serve(notionWebhookRoute(), endpoints{http.MethodPost: func(r *http.Request) (int, any, error) {
		body, err := rawBody(r)
		if err != nil {
			return 0, nil, err
		}
		if err := desk.Notion(r.Context(), body, r.Header.Get("X-Notion-Signature")); err != nil {
			return 0, nil, err
		}
		return http.StatusOK, a.ok(), nil
	}})
}

// rawBody returns a body as it was sent, for signatures are over that.
func rawBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, bodyLimit+1))
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The body could not be read")
	}
	if len(body) > bodyLimit {
		return nil, tooLarge()
	}
	return body, nil
}

// TokenKeeper keeps the token with which Notion signs.
type TokenKeeper interface {
	Token(ctx context.Context) (token secret.Text, bots []string, err error)
	ForgetToken(ctx context.Context) (forgotten bool, err error)
}

type tokenAnswer struct {
	Envelope
	Token string `json:"verification_token"`
}

type tokenDeleted struct {
	Envelope
	Deleted bool `json:"deleted"`
}

func notionWebhookTokenRoute() Route {
	return Route{
		Path: "/webhooks/notion/token", Function: "webhooks-notion-token", Group: Webhooks, Alone: "The subscription is the integration's.",
		Methods: []Method{
			{
				Verb: http.MethodGet, Scope: access.Admin, Does: "Shows the verification token to paste into Notion.",
				Answers: []Answer{{http.StatusOK, tokenAnswer{}}}, Fails: []fault.Kind{fault.NotFound},
			},
			{Verb: http.MethodDelete, Scope: access.Admin, Does: "Deletes the verification token.", Answers: []Answer{{http.StatusOK, tokenDeleted{}}}},
		},
	}
}

// NotionWebhookToken answers GET /webhooks/notion/token, which shows the token that a person pastes into Notion's settings to verify
// the subscription, and DELETE, which makes way for another.
func (a API) NotionWebhookToken(tokens TokenKeeper) http.Handler {
	return a.serve(notionWebhookTokenRoute(), endpoints{
		http.MethodGet: func(r *http.Request) (int, any, error) {
			token, _, err := tokens.Token(r.Context())
			if err == nil && token.Empty() {
				err = fault.New(fault.NotFound, "No token has come yet: create the subscription in Notion's settings first.")
			}
			return http.StatusOK, tokenAnswer{a.ok(), token.Reveal()}, err
		},
		http.MethodDelete: func(r *http.Request) (int, any, error) {
			forgotten, err := tokens.ForgetToken(r.Context())
			return http.StatusOK, tokenDeleted{a.ok(), forgotten}, err
		},
	})
}

func supabaseWebhookRoute() Route {
	return Route{
		Path: "/webhooks/supabase", Function: "webhooks-supabase", Group: Webhooks, Public: true, Signed: true, Alone: "The row says of which it is.",
		Methods: []Method{{
			Verb: http.MethodPost, Does: "Receives Supabase's database webhooks. Checks `X-Webhook-Secret`.", Lenient: true, Body: map[string]any{},
			Answers: []Answer{{http.StatusOK, Envelope{}}}, Fails: []fault.Kind{fault.Unauthorized},
		}},
	}
}

// SupabaseWebhook answers POST /webhooks/supabase: a database webhook on sync_changes, or on a table that is kept in step. expected
// gives what the header X-Webhook-Secret must hold; tables names the kinds of tables.
//
// https://supabase.com/docs/guides/database/webhooks
func (a API) SupabaseWebhook(desk NoticeTaker, expected func(ctx context.Context) (secret.Text, error), tables map[string]string) http.Handler {
	return a.serve(supabaseWebhookRoute(), endpoints{http.MethodPost: func(r *http.Request) (int, any, error) {
		want, err := expected(r.Context())
		if err != nil {
			return 0, nil, err
		}
		if err := sameSecret(presented(r), want); err != nil {
			return 0, nil, err
		}
		body, err := rawBody(r)
		if err != nil {
			return 0, nil, err
		}
		type row struct {
			ConnectionID string `json:"connection_id"`
			Kind         string `json:"kind"`
		}
		var change struct {
			Table  string `json:"table"`
			Record row    `json:"record"`
			Old    row    `json:"old_record"` // of a row that was deleted
		}
		if err := json.Unmarshal(body, &change); err != nil {
			return 0, nil, fault.Wrap(err, fault.Invalid, "The body is no database webhook of Supabase's")
		}
		kind, known := tables[change.Table]
		switch {
		case change.Table == "sync_changes":
			kind = change.Record.Kind
		case !known:
			return 0, nil, fault.New(fault.Invalid, "The table %.60q is not kept in step. Set the webhook on sync_changes.", change.Table)
		}
		desk.Changed(r.Context(), cmp.Or(change.Record.ConnectionID, change.Old.ConnectionID), kind)
		return http.StatusOK, a.ok(), nil
	}})
}

func presented(r *http.Request) string {
	if s := r.Header.Get("X-Webhook-Secret"); s != "" {
		return s
	}
	s, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return s
}

// sameSecret compares in constant time, whatever the lengths.
func sameSecret(given string, want secret.Text) error {
	if want.Empty() {
		return fault.New(fault.Unauthorized, "No webhook of Supabase's is expected: put SUPABASE_WEBHOOK_SECRET into the app secret.")
	}
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want.Reveal()))
	if subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
		return fault.New(fault.Unauthorized, "The secret is not the one that is set as SUPABASE_WEBHOOK_SECRET.")
	}
	return nil
}
