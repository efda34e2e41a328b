package oauth

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// Refresher exchanges refresh tokens for new tokens.
type Refresher interface {
	// Refresh returns the next pair, and the one before dies; an error that wraps grant.ErrInvalidGrant when the refresh token is
	// good for nothing. Any other error says nothing of whether Notion made a new pair.
	Refresh(ctx context.Context, refresh secret.Text) (grant.Answer, error)
	Introspect(ctx context.Context, access secret.Text) (grant.Introspection, error)
	Revoke(ctx context.Context, access secret.Text) error
}

// Grants keeps what is known of grants. One at a time holds a grant; who holds it writes.
type Grants interface {
	// Find returns a connection's grant; fault.NotFound when it never had one.
	Find(ctx context.Context, connectionID string) (grant.Grant, error)
	// Claim takes hold of a grant for a while; fault.Conflict while somebody else holds it.
	Claim(ctx context.Context, connectionID, owner string) (grant.Grant, error)
	// Save stores a grant and what happened, when owner holds it still and it is still the one of that secret and version;
	// else fault.Conflict.
	Save(ctx context.Context, owner string, was, is grant.Grant, happened ...event.Draft) error
	Release(ctx context.Context, connectionID, owner string) error
}

// Keeper keeps grants good.
type Keeper struct {
	Notion Refresher
	Grants Grants
	Vault  Vault
	Policy grant.Policy
	Now    func() time.Time
	NewID  func() string
	Wait   func(ctx context.Context, d time.Duration) error
	Log    *slog.Logger
}

// turn is how long one waits before looking again whether the holder of a grant is done.
const turn = 100 * time.Millisecond

// Refresh returns a pair that is newer than the stale version, from whoever gets it first: any number of callers make one refresh. The
// pair is in the vault before it is used. fault.Unauthorized: the grant has ended, and has to be given again.
func (k Keeper) Refresh(ctx context.Context, connectionID string, stale int64) (grant.Pair, error) {
	var pair grant.Pair
	err := k.hold(ctx, connectionID, func(held held) (err error) {
		pair, err = held.refresh(ctx, stale)
		return err
	}, func(g grant.Grant) (bool, error) {
		if g.Status != grant.Connected {
			return true, ended(g)
		}
		if g.Version <= stale {
			return false, nil
		}
		var err error
		pair, err = k.Vault.Read(ctx, g.SecretID)
		return true, err
	})
	return pair, err
}

// Check refreshes a grant when that is due, and asks Notion whether its token is good when it is not. A grant that could not be refreshed
// and ends within a day is told of, once a version.
func (k Keeper) Check(ctx context.Context, connectionID string) error {
	return k.hold(ctx, connectionID, func(held held) error { return held.check(ctx) }, nil)
}

// Disconnect ends a grant: at Notion, in the vault, and here. It may be repeated.
func (k Keeper) Disconnect(ctx context.Context, vault Deleter, connectionID, client string) (grant.Grant, error) {
	var gone grant.Grant
	err := k.hold(ctx, connectionID, func(held held) (err error) {
		gone, err = held.disconnect(ctx, vault, client)
		return err
	}, nil)
	return gone, err
}

// hold does something with a grant in hand. While somebody else has it, it is looked at again and again; done may say that nothing is
// left to do.
func (k Keeper) hold(ctx context.Context, connectionID string, do func(held) error, done func(grant.Grant) (bool, error)) error {
	owner := k.NewID()
	for {
		granted, err := k.Grants.Claim(ctx, connectionID, owner)
		if err == nil {
			defer k.release(ctx, connectionID, owner)
			return do(held{k, owner, granted})
		}
		if fault.KindOf(err) != fault.Conflict {
			return err
		}
		if done != nil {
			granted, err := k.Grants.Find(ctx, connectionID)
			if err != nil {
				return err
			}
			if is, err := done(granted); is || err != nil {
				return err
			}
		}
		if err := k.Wait(ctx, turn); err != nil {
			return fault.Wrap(err, fault.Unavailable, "The workspace's tokens are being refreshed. Try again in a moment.")
		}
	}
}

func (k Keeper) release(ctx context.Context, connectionID, owner string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := k.Grants.Release(ctx, connectionID, owner); err != nil {
		k.Log.WarnContext(ctx, "a grant was not let go of; that ends by itself", "error", err)
	}
}

func ended(g grant.Grant) error {
	if g.Status == grant.Disconnected {
		return fault.New(fault.Unauthorized, "The workspace %q has been disconnected. Connect it again at GET /oauth/notion/url.", g.Name)
	}
	return fault.New(fault.Unauthorized, "Notion does not accept the authorization of the workspace %q any more. Connect it again at GET /oauth/notion/url.", g.Name)
}

// held is a grant in hand.
type held struct {
	Keeper
	owner string
	grant grant.Grant
}

func (h *held) save(ctx context.Context, is grant.Grant, happened ...event.Draft) error {
	err := h.Grants.Save(ctx, h.owner, h.grant, is, happened...)
	if err == nil {
		h.grant = is
	}
	return err
}

// current returns the pair that the vault has now. Where a refresher died between the vault and here, the vault is ahead and is right.
func (h *held) current(ctx context.Context) (grant.Pair, error) {
	if h.grant.Status != grant.Connected {
		return grant.Pair{}, ended(h.grant)
	}
	pair, err := h.Vault.Read(ctx, h.grant.SecretID)
	if fault.KindOf(err) == fault.NotFound {
		return grant.Pair{}, h.end(ctx, "its secret is gone")
	}
	if err != nil || pair.Version <= h.grant.Version {
		return pair, err
	}
	return pair, h.adopt(ctx, pair, grant.Answer{Scope: h.grant.Scope}, "kept by a refresh that did not end")
}

// adopt makes a pair that the vault has the grant's.
func (h *held) adopt(ctx context.Context, pair grant.Pair, answer grant.Answer, reason string) error {
	is := h.grant
	is.Version, is.Worked, is.Warned = pair.Version, false, false
	is.IssuedAt, is.ExpiresAt = h.Now(), answer.ExpiresAt
	if answer.Scope != "" {
		is.Scope = answer.Scope
	}
	return h.save(ctx, is, draft(event.OAuthRefresh, is, reason))
}

func (h *held) refresh(ctx context.Context, stale int64) (grant.Pair, error) {
	pair, err := h.current(ctx)
	if err != nil || pair.Version > stale {
		return pair, err
	}
	return h.rotate(ctx, pair)
}

// rotate makes the next pair. The refresh token of a pair may be used once: what Notion answers is kept before anything else is done.
func (h *held) rotate(ctx context.Context, pair grant.Pair) (grant.Pair, error) {
	if pair.Refresh.Empty() {
		return grant.Pair{}, h.end(ctx, "its token does not work, and there is none to refresh it with")
	}
	// A vault that takes nothing now would lose the next pair: it is asked first, with the pair that it has, which changes nothing.
	if err := h.Vault.Put(ctx, h.grant.SecretID, pair); err != nil {
		return grant.Pair{}, err
	}
	answer, err := h.Notion.Refresh(ctx, pair.Refresh)
	if errors.Is(err, grant.ErrInvalidGrant) {
		return h.refused(ctx, pair)
	}
	if err != nil {
		return grant.Pair{}, err
	}
	next := answer.Pair
	next.Version = pair.Version + 1
	if err := h.put(ctx, next); err != nil {
		return grant.Pair{}, err
	}
	if err := h.adopt(ctx, next, answer, ""); err != nil {
		return grant.Pair{}, err
	}
	h.prove(ctx, next)
	return next, nil
}

// put keeps a pair that exists nowhere else: the caller's going away is no reason to lose it, and a vault that is away is asked again.
func (h *held) put(ctx context.Context, next grant.Pair) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for attempt := 1; ; attempt++ {
		err := h.Vault.Put(ctx, h.grant.SecretID, next)
		if err == nil || fault.KindOf(err) != fault.Unavailable {
			return err
		}
		if h.Wait(ctx, time.Duration(min(attempt, 10))*turn) != nil {
			return err
		}
	}
}

// refused looks once more: another may have refreshed meanwhile, or the pair that is current was never given and the one before it is still
// good. Else the grant has ended.
func (h *held) refused(ctx context.Context, tried grant.Pair) (grant.Pair, error) {
	now, err := h.Vault.Read(ctx, h.grant.SecretID)
	if err != nil {
		return grant.Pair{}, err
	}
	if now.Version > tried.Version {
		return now, h.adopt(ctx, now, grant.Answer{}, "kept by another")
	}
	if !h.grant.Worked {
		before, err := h.Vault.Previous(ctx, h.grant.SecretID)
		if err == nil && !before.Refresh.Empty() {
			answer, err := h.Notion.Refresh(ctx, before.Refresh)
			if err == nil {
				next := answer.Pair
				next.Version = tried.Version + 1
				if err := h.put(ctx, next); err != nil {
					return grant.Pair{}, err
				}
				return next, h.adopt(ctx, next, answer, "from the pair before")
			}
			if !errors.Is(err, grant.ErrInvalidGrant) {
				return grant.Pair{}, err
			}
		} else if err != nil && fault.KindOf(err) != fault.NotFound {
			return grant.Pair{}, err
		}
	}
	return grant.Pair{}, h.end(ctx, "Notion does not accept its refresh token")
}

// end notes that a grant has ended, and gives the error that says so.
func (h *held) end(ctx context.Context, reason string) error {
	is := h.grant
	is.Status = grant.Revoked
	if err := h.save(ctx, is, draft(event.OAuthRevoked, is, reason)); err != nil {
		return err
	}
	return ended(is)
}

// prove asks Notion of a new pair. It is a help and no more: what cannot be asked now shows when the pair is used.
func (h *held) prove(ctx context.Context, pair grant.Pair) {
	said, err := h.Notion.Introspect(ctx, pair.Access)
	if err == nil && said.Active {
		is := h.grant
		is.Worked = true
		if !said.IssuedAt.IsZero() {
			is.IssuedAt = said.IssuedAt
		}
		err = h.save(ctx, is)
	}
	if err != nil {
		h.Log.WarnContext(ctx, "a new pair of tokens could not be tried", "connection_id", h.grant.ConnectionID, "error", err)
	}
}

func (h *held) check(ctx context.Context) error {
	if h.grant.Status != grant.Connected {
		return nil
	}
	pair, err := h.current(ctx)
	if err == nil {
		due := h.Policy.Due(h.grant, h.Now())
		if !due {
			due, err = h.dead(ctx, pair)
		}
		if err == nil && !due {
			return nil
		}
		if err == nil {
			_, err = h.rotate(ctx, pair)
		}
	}
	if err == nil || h.grant.Status != grant.Connected || h.grant.Warned || !h.Policy.Expiring(h.grant, h.Now()) {
		return err
	}
	is := h.grant
	is.Warned = true
	return errors.Join(err, h.save(ctx, is, draft(event.OAuthExpiring, is, fault.Message(err))))
}

// dead reports whether Notion says that a token is not good any more.
func (h *held) dead(ctx context.Context, pair grant.Pair) (bool, error) {
	said, err := h.Notion.Introspect(ctx, pair.Access)
	if err != nil || !said.Active {
		return err == nil, err
	}
	is := h.grant
	is.Worked = true
	if !said.IssuedAt.IsZero() {
		is.IssuedAt = said.IssuedAt
	}
	if is.Worked == h.grant.Worked && is.IssuedAt.Equal(h.grant.IssuedAt) {
		return false, nil
	}
	return false, h.save(ctx, is)
}

func (h *held) disconnect(ctx context.Context, vault Deleter, client string) (grant.Grant, error) {
	if h.grant.Status == grant.Disconnected {
		return h.grant, nil
	}
	pair, err := h.Vault.Read(ctx, h.grant.SecretID)
	if err == nil && h.grant.Status == grant.Connected {
		err = h.Notion.Revoke(ctx, pair.Access)
	}
	if errors.Is(err, grant.ErrInvalidClient) { // it is another application by now, or none: there is nothing that it could end at Notion
		h.Log.WarnContext(ctx, "a workspace is disconnected here only: its application is not known to Notion. Its owner can remove it in Notion's settings",
			"connection_id", h.grant.ConnectionID, "error", err)
		err = nil
	}
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return h.grant, err
	}
	if err := vault.Delete(ctx, h.grant.SecretID); err != nil {
		return h.grant, err
	}
	is := h.grant
	is.Status = grant.Disconnected
	return is, h.save(ctx, is, draft(event.OAuthRevoked, is, "disconnected by "+client))
}
