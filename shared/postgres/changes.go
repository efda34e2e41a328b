package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// wakeTTL is how long a message that has a worker look is relied upon.
const wakeTTL = 2 * time.Minute

// Notices keeps what others say has changed.
type Notices struct {
	Pool         *Pool
	ConnectionID string
	Mapping      mapping.Mapping
	Sealing      Sealing
}

// aboutToken says what the token with which Notion signs belongs to.
func aboutToken(connectionID string) []string { return []string{"notion_webhooks", connectionID} }

// Token returns the token with which Notion signs, an empty one when none has been taken, and the ids of our own bot. fault.Unavailable: it
// cannot be read.
func (n Notices) Token(ctx context.Context) (token secret.Text, bots []string, err error) {
	var stored string
	var bot, oauth *string
	err = n.Pool.QueryRow(ctx, `
		select coalesce(w.verification_token, ''), w.bot_id, o.bot_id from integration.connections c
		left join integration.notion_webhooks w on w.connection_id = c.id left join public.oauth_tokens o on o.connection_id = c.id and o.provider = 'notion'
		where c.id = $1`, n.ConnectionID).Scan(&stored, &bot, &oauth)
	if errors.Is(err, pgx.ErrNoRows) {
		return secret.Text{}, nil, nil
	}
	for _, id := range []*string{bot, oauth} {
		if id != nil {
			bots = append(bots, *id)
		}
	}
	if err != nil || stored == "" {
		return secret.Text{}, bots, Fault(err)
	}
	token, err = n.Sealing.open(ctx, stored, aboutToken(n.ConnectionID)...)
	return token, bots, err
}

// TakeToken keeps a token when there is none, and gives the one that then is kept. fault.Unavailable: there is no key to seal it with.
func (n Notices) TakeToken(ctx context.Context, token secret.Text, botID string, at time.Time) (secret.Text, error) {
	sealed, err := n.Sealing.seal(ctx, token, aboutToken(n.ConnectionID)...)
	if err != nil {
		return secret.Text{}, err
	}
	var kept string
	take := func() error {
		return n.Pool.QueryRow(ctx, `
		with taken as (
			insert into integration.notion_webhooks (connection_id, verification_token, bot_id, created_at) values ($1, $2, nullif($3, ''), $4)
			on conflict (connection_id) do nothing returning verification_token
		)
		select verification_token from taken union all select verification_token from integration.notion_webhooks where connection_id = $1 limit 1`,
			n.ConnectionID, sealed, botID, at).Scan(&kept)
	}
	// While another handshake is being stored a statement neither stores its own nor sees that one yet.
	for err = take(); errors.Is(err, pgx.ErrNoRows); err = take() {
	}
	if err != nil {
		return secret.Text{}, Fault(err)
	}
	return n.Sealing.open(ctx, kept, aboutToken(n.ConnectionID)...)
}

// ForgetToken forgets the token, so that the next handshake is taken.
func (n Notices) ForgetToken(ctx context.Context) (forgotten bool, err error) {
	tag, err := n.Pool.Exec(ctx, `delete from integration.notion_webhooks where connection_id = $1`, n.ConnectionID)
	return tag.RowsAffected() > 0, Fault(err)
}

// Take notes that a page is to be looked at, and gives the kind of its database: by the data source that the webhook names, else by
// what the base knows of the page. "" when the webhook came before, or when the page is in none of our databases.
func (n Notices) Take(ctx context.Context, webhookID, pageID, sourceID string, at time.Time) (kind string, err error) {
	known := make([]string, len(n.Mapping.Kinds))
	for i, k := range n.Mapping.Kinds {
		known[i] = fmt.Sprintf("select '%s' from %s where connection_id = $1 and notion_id = $3", k.Name, TableOf(k.BaseTable))
	}
	err = n.Pool.QueryRow(ctx, `
		with fresh as (
			insert into integration.notion_webhook_events (connection_id, id, received_at) values ($1, $2, $5) on conflict do nothing returning id
		), place as (
			select kind from (
				select 1 as rank, kind from integration.sync_databases where connection_id = $1 and data_source_id = $4
				union all select 2, kind from (`+strings.Join(known, " union all ")+`) base (kind)
			) found order by rank limit 1
		), noted as (
			insert into integration.sync_reported_pages (connection_id, kind, page_id) select $1, place.kind, $3 from place, fresh
			on conflict (connection_id, kind, page_id) do update set asked_at = excluded.asked_at returning kind
		)
		select kind from noted`, n.ConnectionID, webhookID, pageID, sourceID, at).Scan(&kind)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return kind, Fault(err)
}

// Wake notes that a message for a database is about to be sent; false when one is under way. What a clock that was ahead noted says nothing.
func (n Notices) Wake(ctx context.Context, kind string, at time.Time) (bool, error) {
	tag, err := n.Pool.Exec(ctx, `
		insert into integration.sync_wakeups as w (connection_id, kind, sent_at) values ($1, $2, $3)
		on conflict (connection_id, kind) do update set sent_at = excluded.sent_at where w.sent_at not between $4 and $3::timestamptz + interval '1 minute'`,
		n.ConnectionID, kind, at, at.Add(-wakeTTL))
	return tag.RowsAffected() > 0, Fault(err)
}

// Unwake takes a note back: the message could not be sent.
func (n Notices) Unwake(ctx context.Context, kind string) error {
	_, err := n.Pool.Exec(ctx, `delete from integration.sync_wakeups where connection_id = $1 and kind = $2`, n.ConnectionID, kind)
	return Fault(err)
}

// Unlooked returns the databases with pages that were to be looked at before the given time and were not.
func (n Notices) Unlooked(ctx context.Context, before time.Time) ([]string, error) {
	rows, err := n.Pool.Query(ctx, `select distinct kind from integration.sync_reported_pages where connection_id = $1 and asked_at < $2 order by kind`, n.ConnectionID, before)
	if err != nil {
		return nil, Fault(err)
	}
	kinds, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return kinds, Fault(err)
}

// Forget forgets webhooks that were taken before the given time.
func (n Notices) Forget(ctx context.Context, before time.Time) error {
	_, err := n.Pool.Exec(ctx, `delete from integration.notion_webhook_events where connection_id = $1 and received_at < $2`, n.ConnectionID, before)
	return Fault(err)
}
