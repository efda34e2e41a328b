package postgres

import (
	"context"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/secret/seal"
)

// Sealing closes the secrets that have to lie in tables: what webhooks are signed with. What was stored before there was sealing opens as
// it is; nothing is stored so any more.
type Sealing struct {
	// Keys returns WEBHOOK_SEALING_KEY, as seal.ParseRing takes it, an empty one when it is not set; again: what is remembered of it may be old.
	Keys   func(ctx context.Context, again bool) (secret.Text, error)
	Random io.Reader
}

// ring returns the keys. What is remembered of them and is none may have been mended since: it is read again. fault.Unavailable: they cannot be
// read now, or are none.
func (s Sealing) ring(ctx context.Context, again bool) (seal.Ring, error) {
	text, err := s.Keys(ctx, again)
	if err != nil {
		return seal.Ring{}, err
	}
	ring, err := seal.ParseRing(text)
	if err != nil && !again {
		return s.ring(ctx, true)
	}
	if err != nil {
		return ring, fault.New(fault.Unavailable, "WEBHOOK_SEALING_KEY is wrong in the app secret. %s", fault.Message(err))
	}
	return ring, nil
}

// seal closes a secret for what it is about. fault.Unavailable: there is no key, and so nothing may be stored.
func (s Sealing) seal(ctx context.Context, text secret.Text, about ...string) (string, error) {
	ring, err := s.ring(ctx, false)
	if err == nil && ring.Empty() {
		ring, err = s.ring(ctx, true)
	}
	if err != nil {
		return "", err
	}
	if ring.Empty() {
		return "", fault.New(fault.Unavailable,
			"No secret can be kept: put WEBHOOK_SEALING_KEY into the app secret, a key as `openssl rand -base64 32` prints it.")
	}
	return ring.Seal(s.Random, text, about...)
}

// open returns a secret that is stored. fault.Unavailable: it cannot be read, or not now; the message says why, and what to do.
func (s Sealing) open(ctx context.Context, stored string, about ...string) (secret.Text, error) {
	if !seal.Sealed(stored) && stored != "" {
		return secret.Of(stored), nil
	}
	var err error
	for _, again := range []bool{false, true} { // a key that is not here may have come since the app secret was read
		ring, errRing := s.ring(ctx, again)
		if errRing != nil {
			return secret.Text{}, errRing
		}
		var text secret.Text
		if text, err = ring.Open(stored, about...); err == nil {
			return text, nil
		}
		if fault.KindOf(err) != fault.Unavailable {
			return secret.Text{}, fault.Wrap(err, fault.Unavailable, "The stored secret is damaged. Have another one made.")
		}
	}
	return secret.Text{}, fault.New(fault.Unavailable,
		"The stored secret cannot be read. %s Put that key back into WEBHOOK_SEALING_KEY, behind the new one, or have another secret made.",
		fault.Message(err))
}

// about says what a subscription's secrets belong to.
func about(connectionID, subscriptionID string) []string {
	return []string{"event_subscriptions", connectionID, subscriptionID}
}

// Seals brings what is stored under the key that seals now.
type Seals struct {
	Pool *Pool
	Sealing
}

// Renewed says what became of secrets that did not stand under the key that seals now.
type Renewed struct {
	Sealed     int // do now
	Bare       int // stand as they are, because there is no key
	Unreadable int // cannot be read
}

// row is a row with secrets; the second is "" where there is none.
type row struct {
	id, connectionID string
	subscriptionID   string // of an older secret
	secrets          [2]string
}

// place is a table with secrets, and what a row's are sealed for.
type place struct {
	list, store string
	about       func(row) []string
}

func places() []place {
	return []place{{
		list: `select id::text, connection_id::text, '', secret, coalesce(old_secret, '') from integration.event_subscriptions
			where not starts_with(secret, $1) or not starts_with(old_secret, $1) order by id`,
		store: `update integration.event_subscriptions set secret = $4, old_secret = nullif($5, '')
			where id = $1 and secret = $2 and coalesce(old_secret, '') = $3`,
		about: func(r row) []string { return about(r.connectionID, r.id) },
	}, {
		list: `select o.id::text, s.connection_id::text, s.id::text, o.secret, ''
			from integration.event_subscription_secrets o join integration.event_subscriptions s on s.id = o.subscription_id where not starts_with(o.secret, $1) order by o.id`,
		store: `update integration.event_subscription_secrets set secret = $4 where id = $1 and secret = $2 and $3 = '' and $5 = ''`,
		about: func(r row) []string { return about(r.connectionID, r.subscriptionID) },
	}, {
		list: `select connection_id::text as id, connection_id::text, '', verification_token, '' from integration.notion_webhooks
			where not starts_with(verification_token, $1) order by connection_id`,
		store: `update integration.notion_webhooks set verification_token = $4 where connection_id = $1 and verification_token = $2 and $3 = '' and $5 = ''`,
		about: func(r row) []string { return aboutToken(r.connectionID) },
	}}
}

// Renew seals what is not sealed, or not under the newest key, and forgets secrets that sign no more. A row that somebody else changes
// meanwhile is left to the next time, and it may be called at any time and by several at once.
func (s Seals) Renew(ctx context.Context, at time.Time) (Renewed, error) {
	var done Renewed
	ring, err := s.ring(ctx, false)
	if err != nil {
		return done, err
	}
	_, err = s.Pool.Exec(ctx, `update integration.event_subscriptions set old_secret = null, old_secret_until = null where old_secret_until <= $1`, at)
	if err == nil {
		_, err = s.Pool.Exec(ctx, `delete from integration.event_subscription_secrets where valid_until <= $1`, at)
	}
	if err != nil {
		return done, Fault(err)
	}
	for _, p := range places() {
		rows, err := s.Pool.Query(ctx, p.list, ring.Prefix())
		if err != nil {
			return done, Fault(err)
		}
		stale, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (row row, err error) {
			err = r.Scan(&row.id, &row.connectionID, &row.subscriptionID, &row.secrets[0], &row.secrets[1])
			return row, err
		})
		if err != nil {
			return done, Fault(err)
		}
		for _, r := range stale {
			if err := s.renew(ctx, p, r, ring, &done); err != nil {
				return done, err
			}
		}
	}
	return done, nil
}

// renew seals what one row has.
func (s Seals) renew(ctx context.Context, p place, r row, ring seal.Ring, done *Renewed) error {
	if ring.Empty() {
		done.Bare++
		return nil
	}
	var sealed [2]string
	for i, stored := range r.secrets {
		if stored == "" {
			continue
		}
		text := secret.Of(stored)
		if seal.Sealed(stored) {
			text, _ = ring.Open(stored, p.about(r)...) // empty where it does not open
		}
		if text.Empty() {
			done.Unreadable++
			return nil
		}
		var err error
		if sealed[i], err = ring.Seal(s.Random, text, p.about(r)...); err != nil {
			return err
		}
	}
	tag, err := s.Pool.Exec(ctx, p.store, r.id, r.secrets[0], r.secrets[1], sealed[0], sealed[1])
	done.Sealed += int(tag.RowsAffected())
	return Fault(err)
}
