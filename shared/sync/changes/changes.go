// Package changes takes in what others say has changed: Notion by its webhooks, Postgres by its own. A notice is never believed to say
// what changed, only where to look; so late, repeated, reordered and lost notices do no harm, and a forged one would cost a look.
package changes

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// Store keeps what was noticed.
type Store interface {
	// Token returns the token with which Notion signs, an empty one when none was taken, and the ids of our own bot.
	Token(ctx context.Context) (token secret.Text, bots []string, err error)
	// TakeToken keeps a token when there is none, and gives the one that then is kept.
	TakeToken(ctx context.Context, token secret.Text, botID string, at time.Time) (kept secret.Text, err error)
	// Take notes a page to look at and gives its database's kind; "" when there is nothing to look at.
	Take(ctx context.Context, webhookID, pageID, sourceID string, at time.Time) (kind string, err error)
	// Wake notes that a message for a database is about to be sent, false when one is under way; Unwake takes that back.
	Wake(ctx context.Context, kind string, at time.Time) (bool, error)
	Unwake(ctx context.Context, kind string) error
	// Unlooked returns the databases with pages that were noted before a time and not looked at.
	Unlooked(ctx context.Context, before time.Time) ([]string, error)
}

// Queue hands messages to the workers.
type Queue interface {
	Send(ctx context.Context, connectionID string, m journal.Message) error
}

// Inbox is where notices come in.
type Inbox struct {
	ConnectionID string
	Kinds        []string // those that are synced
	Store        Store
	Queue        Queue
	// Enabled says whether notices lead to anything. They are checked in any case.
	Enabled bool
	// Bot returns the id of our own bot in Notion; asked once, at the handshake.
	Bot func(ctx context.Context) (string, error)
	// OfWorkspace returns the desk of the connection of a workspace, this one where there is none of that id. A subscription of Notion's is an
	// integration's, and tells of every workspace that is connected with it. nil: there is no other desk.
	OfWorkspace func(ctx context.Context, workspaceID string) (Inbox, error)
	Now         func() time.Time
	Log         *slog.Logger
}

// webhook is what is read of a webhook of Notion's.
//
// https://developers.notion.com/reference/webhooks-events-delivery
type webhook struct {
	VerificationToken secret.Text `json:"verification_token"`
	ID                string      `json:"id"`
	WorkspaceID       string      `json:"workspace_id"`
	Authors           []struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	} `json:"authors"`
	Entity struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	} `json:"entity"`
	Data struct {
		Parent struct {
			DataSourceID string `json:"data_source_id"`
		} `json:"parent"`
	} `json:"data"`
}

// Notion takes in a webhook of Notion's: its raw body and the header X-Notion-Signature. Its key is the webhook's id.
// fault.Unauthorized: it is not Notion's. fault.Conflict: it brings a token while there is one. fault.Invalid: it cannot be read.
func (d Inbox) Notion(ctx context.Context, body []byte, signature string) error {
	var hook webhook
	if err := json.Unmarshal(body, &hook); err != nil {
		return fault.Wrap(err, fault.Invalid, "The body is no webhook of Notion's")
	}
	if !hook.VerificationToken.Empty() {
		return d.handshake(ctx, hook.VerificationToken)
	}
	token, _, err := d.Store.Token(ctx)
	if err != nil {
		return err
	}
	if token.Empty() || !signed(body, signature, token) {
		return fault.New(fault.Unauthorized, "The signature is not Notion's. X-Notion-Signature signs the body as it was sent.")
	}
	page, err := uuid.Parse(hook.Entity.ID)
	if err != nil && hook.Entity.Type == "page" {
		return fault.New(fault.Invalid, "The webhook names no page.")
	}
	if !d.Enabled || hook.Entity.Type != "page" {
		return nil
	}
	if d.OfWorkspace != nil && hook.WorkspaceID != "" {
		if d, err = d.OfWorkspace(ctx, hook.WorkspaceID); err != nil {
			return err
		}
	}
	if _, bots, err := d.Store.Token(ctx); err != nil || hook.echo(bots) {
		return err
	}
	id, err := uuid.Parse(hook.ID)
	if err != nil {
		return fault.New(fault.Invalid, "The webhook has no id.")
	}
	kind, err := d.Store.Take(ctx, id.String(), page.String(), hook.Data.Parent.DataSourceID, d.Now())
	if err != nil || kind == "" {
		return err
	}
	d.wake(ctx, kind)
	return nil
}

// handshake takes the token of a new subscription. One that is there is never replaced: nobody knows who is asking.
func (d Inbox) handshake(ctx context.Context, token secret.Text) error {
	if n := len(token.Reveal()); n < 8 || n > 200 || strings.ContainsFunc(token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fault.New(fault.Invalid, "The verification token is none.")
	}
	if kept, _, err := d.Store.Token(ctx); err != nil || !kept.Empty() {
		return d.offered(token, kept, err)
	}
	bot, err := d.Bot(ctx)
	if err != nil {
		d.Log.WarnContext(ctx, "our own bot is not known; echoes of our writes cost a look", "error", err)
	}
	kept, err := d.Store.TakeToken(ctx, token, bot, d.Now())
	return d.offered(token, kept, err)
}

// offered says whether a token that is offered is the one that is kept.
func (d Inbox) offered(token, kept secret.Text, err error) error {
	if err == nil && !token.Equal(kept) {
		err = fault.New(fault.Conflict, "There is a subscription already. DELETE /webhooks/notion/token first, then verify the new one.")
	}
	return err
}

// signed reports whether a body is signed with token, in constant time.
func signed(body []byte, signature string, token secret.Text) bool {
	given, ok := strings.CutPrefix(signature, "sha256=")
	sum, err := hex.DecodeString(given)
	mac := hmac.New(sha256.New, []byte(token.Reveal()))
	mac.Write(body)
	return ok && err == nil && hmac.Equal(sum, mac.Sum(nil))
}

// echo reports whether a webhook tells only of what our own bot did. One that a person had part in is none.
func (w webhook) echo(bots []string) bool {
	for _, a := range w.Authors {
		if a.Type == "person" || !slices.Contains(bots, a.ID) {
			return false
		}
	}
	return len(w.Authors) > 0
}

// Changed takes in that rows of a database changed. A kind that is not synced leads to nothing.
func (d Inbox) Changed(ctx context.Context, kind string) {
	if d.Enabled && slices.Contains(d.Kinds, kind) {
		d.wake(ctx, kind)
	}
}

// wake has a worker look at a database. While a message is under way another would say nothing more. Where it cannot be sent, the
// next scheduled sync finds what was noticed.
func (d Inbox) wake(ctx context.Context, kind string) {
	fresh, err := d.Store.Wake(ctx, kind, d.Now())
	if err == nil && fresh && slices.Contains(d.Kinds, kind) {
		if err = d.Queue.Send(ctx, d.ConnectionID, journal.Message{ConnectionID: d.ConnectionID, Kind: kind, Look: true}); err != nil {
			_ = d.Store.Unwake(ctx, kind) // else it ends by itself
		}
	}
	if err != nil {
		d.Log.WarnContext(ctx, "nobody looks at what was noticed before the next sync", "kind", kind, "error", err)
	}
}

// lostAfter is how long a page may wait to be looked at before its database is woken again.
const lostAfter = 2 * time.Minute

// Sweep wakes the databases of which a notice was lost on its way to a worker.
func (d Inbox) Sweep(ctx context.Context) error {
	kinds, err := d.Store.Unlooked(ctx, d.Now().Add(-lostAfter))
	for _, kind := range kinds {
		d.Changed(ctx, kind)
	}
	return err
}
