// Package webhook tells a subscriber what happened in the workspace, as Notion does: signed, late, sometimes twice, sometimes
// never, and again when the subscriber did not take it.
//
// https://developers.notion.com/reference/webhooks
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/ident"
	"github.com/act-platform/enhanced-integration/infra/notionsim/journal"
	"github.com/act-platform/enhanced-integration/infra/notionsim/workspace"
)

// Subscription is who is told.
type Subscription struct {
	ID    string `json:"subscription_id"`
	URL   string `json:"url"`
	Token string `json:"verification_token"` // key of the signatures
}

// Habits are the ways in which deliveries are unlike a function call.
type Habits struct {
	Delay, Jitter     time.Duration
	Duplication, Loss float64 // shares of events
	Shuffled          bool
	Merging           bool
	Background        bool
}

// Config says how a Hub works.
type Config struct {
	Seed        int64
	Now         func() time.Time
	Habits      func() Habits
	Kept        *journal.Journal
	Log         *slog.Logger
	WorkspaceID string
}

// The kinds of record under which a Hub keeps its subscription and what it has not delivered.
const (
	kindSubscription = "webhook_subscription"
	kindPending      = "webhook_pending"
)

// Hub takes events and delivers them. It is safe for concurrent use.
type Hub struct {
	config Config
	client *http.Client
	wake   chan struct{}
	stop   context.CancelFunc
	done   chan struct{}

	sending sync.Mutex // one delivery at a time, so that order is kept

	mu           sync.Mutex
	subscription *Subscription
	pending      []*delivery // by number
	given        int         // numbers of deliveries and ids of events
	random       *rand.Rand
}

// New starts a Hub with what a journal kept of it.
func New(config Config) (*Hub, error) {
	h := &Hub{
		config: config, wake: make(chan struct{}, 1), done: make(chan struct{}),
		client: &http.Client{
			Timeout:       10 * time.Second,
			Transport:     &http.Transport{MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		random: rand.New(rand.NewPCG(uint64(config.Seed), 0)), //nolint:gosec // chance that comes again
	}
	if err := h.load(); err != nil {
		return nil, fmt.Errorf("load webhooks: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	h.stop = cancel
	go h.run(ctx)
	return h, nil
}

func (h *Hub) load() error {
	err := h.config.Kept.Each(kindSubscription, func(data []byte) error {
		h.subscription = new(Subscription)
		return json.Unmarshal(data, h.subscription)
	})
	if err != nil {
		return err
	}
	return h.config.Kept.Each(kindPending, func(data []byte) error {
		d := new(delivery)
		err := json.Unmarshal(data, d)
		h.pending = append(h.pending, d)
		h.given = max(h.given, d.Number)
		return err
	})
}

// Close stops the Hub. What it has not delivered is kept.
func (h *Hub) Close() {
	h.stop()
	<-h.done
	h.client.CloseIdleConnections()
}

// Subscription returns who is told, or nil.
func (h *Hub) Subscription() *Subscription {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.subscription
}

// Subscribe makes an address the one that is told, after it has taken the verification token that keys the signatures. A token
// of "" is one that the Hub makes up.
func (h *Hub) Subscribe(ctx context.Context, address, token string) (Subscription, error) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return Subscription{}, errors.New("url must be an http or https address")
	}
	h.mu.Lock()
	h.given++
	n := strconv.Itoa(h.given)
	h.mu.Unlock()
	s := Subscription{ID: ident.UUID(h.config.Seed, "subscription", n), URL: address, Token: token}
	if token == "" {
		s.Token = "secret_" + ident.Token(h.config.Seed, 43, "verification", n, address)
	}
	body, err := json.Marshal(map[string]string{"verification_token": s.Token})
	if err != nil {
		return Subscription{}, err
	}
	if err := h.post(ctx, address, body, ""); err != nil {
		return Subscription{}, fmt.Errorf("the verification token was not taken: %w", err)
	}
	data, err := json.Marshal(s)
	if err != nil {
		return Subscription{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subscription = &s
	return s, h.config.Kept.Put(journal.Record{Kind: kindSubscription, ID: "subscription", Data: data})
}

// Unsubscribe ends the subscription and forgets what is not delivered.
func (h *Hub) Unsubscribe() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subscription = nil
	h.pending = nil
	return h.config.Kept.Clear(kindSubscription, kindPending)
}

// Forget drops what is not delivered.
func (h *Hub) Forget() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pending = nil
	return h.config.Kept.Clear(kindPending)
}

// Sign returns the signature of a body, as the X-Notion-Signature header carries it.
func Sign(token string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// post sends a body; only a 2xx counts as taken.
func (h *Hub) post(ctx context.Context, address string, body []byte, signature string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Notion-Webhooks-Simulator")
	if signature != "" {
		r.Header.Set("X-Notion-Signature", signature)
	}
	answer, err := h.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20)); err != nil {
		return err
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("the subscriber answered %s", answer.Status)
	}
	return nil
}

// Nudge makes the Hub look at once whether anything is due: the clock or its habits changed.
func (h *Hub) Nudge() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// run delivers in the background what is due.
func (h *Hub) run(ctx context.Context) {
	defer close(h.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
		case <-timer.C:
		}
		if h.config.Habits().Background {
			h.Deliver(ctx)
		}
		timer.Reset(h.next())
	}
}

// next returns how long to wait until something may be due. The clock may run slower than the machine's, so it may be in vain.
func (h *Hub) next() time.Duration {
	const shortest, longest = 10 * time.Millisecond, time.Hour
	if !h.config.Habits().Background {
		return longest
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	wait := longest
	for _, d := range h.pending {
		wait = min(wait, d.Due.Sub(h.config.Now()))
	}
	return max(wait, shortest)
}

// Take takes events in, to be delivered later. Without a subscription nobody is told.
func (h *Hub) Take(events ...workspace.Event) error {
	if len(events) == 0 {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subscription == nil {
		return nil
	}
	var changed []*delivery
	for _, e := range events {
		changed = append(changed, h.take(e)...)
	}
	h.Nudge()
	return h.keep(changed...)
}
