package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// How many deliveries a subscription may ask for in a second.
const (
	rateUsual = 50
	rateMost  = 1000
)

// Subscriber looks after subscriptions. fault.NotFound: there is none of that id. fault.Invalid: an address may not be given.
type Subscriber interface {
	Subscribe(ctx context.Context, s delivery.Subscription, text secret.Text, once delivery.Once) (kept delivery.Subscription, shown secret.Text, err error)
	List(ctx context.Context) ([]delivery.Subscription, error)
	Find(ctx context.Context, id string) (delivery.Subscription, error)
	Change(ctx context.Context, id string, change func(*delivery.Subscription)) (delivery.Subscription, error)
	Delete(ctx context.Context, id string) error
}

type subscriptionShown struct {
	ID           string         `json:"subscription_id"`
	CallbackURL  string         `json:"callback_url"`
	Description  string         `json:"description"`
	EventTypes   []string       `json:"event_types"`
	Databases    []string       `json:"databases"`
	RateLimit    int            `json:"rate_limit"`
	Status       delivery.State `json:"status"`
	Reason       string         `json:"disabled_reason,omitempty"`
	FailingSince *string        `json:"failing_since"`
	Problem      string         `json:"signing_problem,omitempty"`
	CreatedBy    string         `json:"created_by"`
	CreatedAt    string         `json:"created_at"`
	UpdatedAt    string         `json:"updated_at"`
}

func subscription(s delivery.Subscription) subscriptionShown {
	if s.Databases == nil {
		s.Databases = []string{}
	}
	if s.EventTypes == nil {
		s.EventTypes = []string{}
	}
	return subscriptionShown{
		s.ID, s.CallbackURL, s.Description, s.EventTypes, s.Databases, s.RateLimit, s.State, s.Reason,
		stampOrNull(s.FailingSince), s.SigningProblem, s.CreatedBy, stamp(s.CreatedAt), stamp(s.UpdatedAt),
	}
}

// subscriptionGiven is what a caller says of a subscription; what is nil was left out.
type subscriptionGiven struct {
	CallbackURL *string   `json:"callback_url"`
	EventTypes  *[]string `json:"event_types"`
	Databases   *[]string `json:"databases"`
	Description *string   `json:"description"`
	RateLimit   *int      `json:"rate_limit"`
}

// check says what is wrong with what is given; kinds are the databases that there are.
func (g subscriptionGiven) check(kinds []string) error {
	if g.CallbackURL != nil && *g.CallbackURL == "" {
		return fault.New(fault.Invalid, "callback_url is empty; give the address that is to be called.")
	}
	if g.EventTypes != nil {
		if err := checkTypes(*g.EventTypes); err != nil {
			return err
		}
	}
	if g.Databases != nil {
		for _, kind := range *g.Databases {
			if !slices.Contains(kinds, kind) {
				return fault.New(fault.Invalid, "There is no database %.50q; there are %s.", kind, strings.Join(kinds, ", "))
			}
		}
	}
	if g.Description != nil && (len(*g.Description) > 200 || strings.ContainsRune(*g.Description, 0)) {
		return fault.New(fault.Invalid, "description may have 200 bytes at the most, and no NUL.")
	}
	if g.RateLimit != nil && (*g.RateLimit < 1 || *g.RateLimit > rateMost) {
		return fault.New(fault.Invalid, "rate_limit must be a whole number from 1 to %d, deliveries in a second.", rateMost)
	}
	return nil
}

func checkTypes(filters []string) error {
	if len(filters) == 0 || len(filters) > filtersMost {
		return fault.New(fault.Invalid, "event_types must name 1 to %d types; * is all of them.", filtersMost)
	}
	for _, filter := range filters {
		if len(event.Match(filter)) == 0 {
			return fault.New(fault.Invalid, "There is no event type %.50q; there are %s, and beginnings with a star such as sync_*.", filter, orNone(event.Types()))
		}
	}
	return nil
}

// apply changes what is given.
func (g subscriptionGiven) apply(s *delivery.Subscription) {
	set(&s.CallbackURL, g.CallbackURL)
	set(&s.Description, g.Description)
	set(&s.RateLimit, g.RateLimit)
	if g.EventTypes != nil {
		s.EventTypes = distinct(*g.EventTypes)
	}
	if g.Databases != nil {
		s.Databases = distinct(*g.Databases)
	}
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func distinct(texts []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(texts)))
}

type subscriptionRequest struct {
	subscriptionGiven
	Secret *string `json:"secret"`
}

// subscriptionKept is a subscription with its secret.
type subscriptionKept struct {
	Envelope
	subscriptionShown
	Secret string `json:"secret"`
}

func subscribeRoute() Route {
	return Route{Path: "/events/subscribe", Function: "events-subscribe", Group: Webhooks, Methods: []Method{{
		Verb: http.MethodPost, Scope: access.Events, Does: "Subscribes an address to events. See [webhooks.md](webhooks.md).",
		Body: subscriptionRequest{}, Examples: []string{`{"callback_url":"https://…","event_types":["record_*"]}`},
		Answers: []Answer{{http.StatusCreated, subscriptionKept{}}}, Fails: []fault.Kind{fault.Conflict},
	}}}
}

// Subscribe answers POST /events/subscribe. Each time makes a subscription of its own, unless it comes with the Idempotency-Key of one that
// there is: that is answered again, with its secret.
func (a API) Subscribe(desk Subscriber, kinds []string) http.Handler {
	return a.serve(subscribeRoute(), endpoints{http.MethodPost: func(r *http.Request) (int, any, error) {
		var in subscriptionRequest
		if err := decodeBody(r, &in); err != nil {
			return 0, nil, err
		}
		if in.CallbackURL == nil || in.EventTypes == nil {
			return 0, nil, fault.New(fault.Invalid, "Give callback_url and event_types.")
		}
		if err := in.check(kinds); err != nil {
			return 0, nil, err
		}
		var text secret.Text
		if in.Secret != nil {
			text = secret.Of(*in.Secret)
			if err := delivery.CheckSecret(text); err != nil {
				return 0, nil, err
			}
		}
		caller, err := callerOf(r)
		if err != nil {
			return 0, nil, err
		}
		s := delivery.Subscription{RateLimit: rateUsual, CreatedBy: caller.Client}
		in.apply(&s)
		once, err := onceOf(r, in)
		if err != nil {
			return 0, nil, err
		}
		s, text, err = desk.Subscribe(r.Context(), s, text, once)
		if err != nil {
			return 0, nil, err
		}
		return http.StatusCreated, subscriptionKept{a.ok(), subscription(s), text.Reveal()}, nil
	}})
}

// onceOf reads the Idempotency-Key of a call that asks for something.
func onceOf(r *http.Request, in any) (delivery.Once, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		return delivery.Once{}, nil
	}
	if len(key) > 255 || strings.ContainsFunc(key, func(c rune) bool { return c < ' ' || c > '~' }) {
		return delivery.Once{}, fault.New(fault.Invalid, "Idempotency-Key must be 1 to 255 visible characters, such as a UUID.")
	}
	asked, err := json.Marshal(in)
	if err != nil {
		return delivery.Once{}, err
	}
	sum := sha256.Sum256(asked)
	return delivery.Once{Key: key, Asked: hex.EncodeToString(sum[:])}, nil
}

type subscriptionList struct {
	Envelope
	Subscriptions []subscriptionShown `json:"subscriptions"`
	Total         int                 `json:"total_subscriptions"`
}

func subscriptionsRoute() Route {
	return Route{Path: "/events/subscriptions", Function: "events-subscriptions", Group: Webhooks, Methods: []Method{{
		Verb: http.MethodGet, Scope: access.Events, Does: "Lists subscriptions.", Answers: []Answer{{http.StatusOK, subscriptionList{}}},
	}}}
}

// Subscriptions answers GET /events/subscriptions.
func (a API) Subscriptions(desk Subscriber) http.Handler {
	return a.serve(subscriptionsRoute(), endpoints{http.MethodGet: func(r *http.Request) (int, any, error) {
		list, err := desk.List(r.Context())
		if err != nil {
			return 0, nil, err
		}
		shown := make([]subscriptionShown, len(list))
		for i, s := range list {
			shown[i] = subscription(s)
		}
		return http.StatusOK, subscriptionList{a.ok(), shown, len(shown)}, nil
	}})
}

type subscriptionAnswer struct {
	Envelope
	subscriptionShown
}

type subscriptionDeleted struct {
	Envelope
	ID      string `json:"subscription_id"`
	Deleted bool   `json:"deleted"`
}

func subscriptionRoute() Route {
	return Route{Path: "/events/subscriptions/{id}", Function: "events-subscription", Group: Webhooks, Methods: []Method{
		{Verb: http.MethodGet, Scope: access.Events, Does: "Returns a subscription.", Answers: []Answer{{http.StatusOK, subscriptionAnswer{}}}},
		{
			Verb: http.MethodPatch, Scope: access.Events, Does: "Changes a subscription.", Body: subscriptionGiven{}, Examples: []string{`{"rate_limit":10}`},
			Answers: []Answer{{http.StatusOK, subscriptionAnswer{}}}, Fails: []fault.Kind{fault.Conflict},
		},
		{Verb: http.MethodDelete, Scope: access.Events, Does: "Deletes a subscription.", Answers: []Answer{{http.StatusOK, subscriptionDeleted{}}}},
	}}
}

// Subscription answers GET, PATCH and DELETE /events/subscriptions/{id}.
func (a API) Subscription(desk Subscriber, kinds []string) http.Handler {
	answer := func(s delivery.Subscription, err error) (int, any, error) {
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, subscriptionAnswer{a.ok(), subscription(s)}, nil
	}
	return a.under(subscriptionRoute(), endpoints{
		http.MethodGet: func(r *http.Request) (int, any, error) {
			id, err := pathID(r, "id")
			if err != nil {
				return 0, nil, err
			}
			return answer(desk.Find(r.Context(), id))
		},
		http.MethodPatch: func(r *http.Request) (int, any, error) {
			id, err := pathID(r, "id")
			if err != nil {
				return 0, nil, err
			}
			var in subscriptionGiven
			if err := decodeBody(r, &in); err != nil {
				return 0, nil, err
			}
			if err := in.check(kinds); err != nil {
				return 0, nil, err
			}
			return answer(desk.Change(r.Context(), id, in.apply))
		},
		http.MethodDelete: func(r *http.Request) (int, any, error) {
			id, err := pathID(r, "id")
			if err != nil {
				return 0, nil, err
			}
			if err := desk.Delete(r.Context(), id); err != nil {
				return 0, nil, err
			}
			return http.StatusOK, subscriptionDeleted{a.ok(), id, true}, nil
		},
	})
}

// Steward turns subscriptions on and off and has things sent again. fault.Conflict: the subscription is not active.
type Steward interface {
	Rotate(ctx context.Context, id string) (s delivery.Subscription, text secret.Text, oldUntil time.Time, err error)
	Pause(ctx context.Context, id string) (delivery.Subscription, error)
	Resume(ctx context.Context, id string) (delivery.Subscription, error)
	Test(ctx context.Context, id string) (deliveryID string, err error)
	ReplayDead(ctx context.Context, id string, since time.Time) (int, error)
}

// secretRotated is a subscription with its new secret, and until when the old one signs too.
type secretRotated struct {
	Envelope
	subscriptionShown
	Secret   string  `json:"secret"`
	OldUntil *string `json:"old_secret_until"`
}

type deliveryQueued struct {
	Envelope
	DeliveryID string `json:"delivery_id"`
}

type replaySince struct {
	Since string `json:"since"`
}

type deliveriesReplayed struct {
	Envelope
	Replayed int `json:"replayed"`
}

func subscriptionActionRoute() Route {
	return Route{Path: "/events/subscriptions/{id}/{action}", Function: "events-subscription-action", Group: Webhooks, Methods: []Method{
		{
			Verb: http.MethodPost, Action: "rotate-secret", Scope: access.Events, Does: "Makes a new secret. Both sign for a day.",
			Answers: []Answer{{http.StatusOK, secretRotated{}}}, Fails: []fault.Kind{fault.Conflict},
		},
		{
			Verb: http.MethodPost, Action: "pause", Scope: access.Events, Does: "Pauses deliveries.",
			Answers: []Answer{{http.StatusOK, subscriptionAnswer{}}}, Fails: []fault.Kind{fault.Conflict},
		},
		{
			Verb: http.MethodPost, Action: "resume", Scope: access.Events, Does: "Resumes deliveries.",
			Answers: []Answer{{http.StatusOK, subscriptionAnswer{}}}, Fails: []fault.Kind{fault.Conflict},
		},
		{
			Verb: http.MethodPost, Action: "test", Scope: access.Events, Does: "Sends a test event.",
			Answers: []Answer{{http.StatusAccepted, deliveryQueued{}}}, Fails: []fault.Kind{fault.Conflict},
		},
		{
			Verb: http.MethodPost, Action: "replay", Scope: access.Events, Does: "Sends again what failed for good since a time.",
			Body: replaySince{}, Examples: []string{`{"since":"2026-11-23T10:00:00Z"}`},
			Answers: []Answer{{http.StatusAccepted, deliveriesReplayed{}}}, Fails: []fault.Kind{fault.Conflict},
		},
	}}
}

// SubscriptionAction answers POST /events/subscriptions/{id}/rotate-secret, pause, resume, test and replay.
func (a API) SubscriptionAction(desk Steward) http.Handler {
	with := func(do func(r *http.Request, id string) (int, any, error)) endpoint {
		return func(r *http.Request) (int, any, error) {
			id, err := pathID(r, "id")
			if err != nil {
				return 0, nil, err
			}
			return do(r, id)
		}
	}
	return a.under(subscriptionActionRoute(), endpoints{
		"POST rotate-secret": with(func(r *http.Request, id string) (int, any, error) {
			s, text, until, err := desk.Rotate(r.Context(), id)
			return http.StatusOK, secretRotated{a.ok(), subscription(s), text.Reveal(), stampOrNull(until)}, err
		}),
		"POST pause": with(func(r *http.Request, id string) (int, any, error) {
			s, err := desk.Pause(r.Context(), id)
			return http.StatusOK, subscriptionAnswer{a.ok(), subscription(s)}, err
		}),
		"POST resume": with(func(r *http.Request, id string) (int, any, error) {
			s, err := desk.Resume(r.Context(), id)
			return http.StatusOK, subscriptionAnswer{a.ok(), subscription(s)}, err
		}),
		"POST test": with(func(r *http.Request, id string) (int, any, error) {
			deliveryID, err := desk.Test(r.Context(), id)
			return http.StatusAccepted, deliveryQueued{a.ok(), deliveryID}, err
		}),
		"POST replay": with(func(r *http.Request, id string) (int, any, error) {
			var in replaySince
			if err := decodeBody(r, &in); err != nil {
				return 0, nil, err
			}
			at, err := time.Parse(time.RFC3339, in.Since)
			if err != nil {
				return 0, nil, fault.New(fault.Invalid, "Give since, a time such as 2026-11-23T10:00:00Z: what failed for good from then on is sent again.")
			}
			n, err := desk.ReplayDead(r.Context(), id, at)
			return http.StatusAccepted, deliveriesReplayed{a.ok(), n}, err
		}),
	})
}

// under returns the handler of a route whose endpoints read the variables of its path.
func (a API) under(route Route, e endpoints) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(Base+route.Path, a.serve(route, e))
	mux.Handle("/", a.NotFound())
	return mux
}

// pathID returns an id of a path; fault.NotFound when it is none, which nothing has.
func pathID(r *http.Request, name string) (string, error) {
	text := r.PathValue(name)
	id, err := uuid.Parse(text)
	if err != nil || len(text) != 36 {
		return "", fault.New(fault.NotFound, "There is nothing of the id %.50q: an id looks like 0193a3c2-7f5e-7b1a-9c00-1f2e3d4c5b6a.", text)
	}
	return id.String(), nil
}
