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

// Subscribe answers POST /events/subscribe. Each time makes a subscription of its own, unless it comes with the Idempotency-Key of one that
// there is: that is answered again, with its secret.
func (a API) Subscribe(desk Subscriber, kinds []string) http.Handler {
	return a.serve(access.Events, methods{http.MethodPost: func(r *http.Request) (int, any, error) {
		if _, err := query(r); err != nil {
			return 0, nil, err
		}
		var in struct {
			subscriptionGiven
			Secret *string `json:"secret"`
		}
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
		return http.StatusCreated, struct {
			Envelope
			subscriptionShown
			Secret string `json:"secret"`
		}{a.ok(), subscription(s), text.Reveal()}, nil
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

// Subscriptions answers GET /events/subscriptions.
func (a API) Subscriptions(desk Subscriber) http.Handler {
	return a.serve(access.Events, methods{http.MethodGet: func(r *http.Request) (int, any, error) {
		if _, err := query(r); err != nil {
			return 0, nil, err
		}
		list, err := desk.List(r.Context())
		if err != nil {
			return 0, nil, err
		}
		shown := make([]subscriptionShown, len(list))
		for i, s := range list {
			shown[i] = subscription(s)
		}
		return http.StatusOK, struct {
			Envelope
			Subscriptions []subscriptionShown `json:"subscriptions"`
			Total         int                 `json:"total_subscriptions"`
		}{a.ok(), shown, len(shown)}, nil
	}})
}

// Subscription answers GET, PATCH and DELETE /events/subscriptions/{id}.
func (a API) Subscription(desk Subscriber, kinds []string) http.Handler {
	answer := func(s delivery.Subscription, err error) (int, any, error) {
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, struct {
			Envelope
			subscriptionShown
		}{a.ok(), subscription(s)}, nil
	}
	return a.under("/events/subscriptions/{id}", a.serve(access.Events, methods{
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
			return http.StatusOK, struct {
				Envelope
				ID      string `json:"subscription_id"`
				Deleted bool   `json:"deleted"`
			}{a.ok(), id, true}, nil
		},
	}))
}

// Steward turns subscriptions on and off and has things sent again. fault.Conflict: the subscription is not active.
type Steward interface {
	Rotate(ctx context.Context, id string) (s delivery.Subscription, text secret.Text, oldUntil time.Time, err error)
	Pause(ctx context.Context, id string) (delivery.Subscription, error)
	Resume(ctx context.Context, id string) (delivery.Subscription, error)
	Test(ctx context.Context, id string) (deliveryID string, err error)
	ReplayDead(ctx context.Context, id string, since time.Time) (int, error)
}

// SubscriptionAction answers POST /events/subscriptions/{id}/rotate-secret, pause, resume, test and replay.
func (a API) SubscriptionAction(desk Steward) http.Handler {
	type kept struct {
		Envelope
		subscriptionShown
	}
	actions := map[string]func(r *http.Request, id string) (int, any, error){
		"rotate-secret": func(r *http.Request, id string) (int, any, error) {
			s, text, until, err := desk.Rotate(r.Context(), id)
			return http.StatusOK, struct {
				kept
				Secret   string  `json:"secret"`
				OldUntil *string `json:"old_secret_until"`
			}{kept{a.ok(), subscription(s)}, text.Reveal(), stampOrNull(until)}, err
		},
		"pause": func(r *http.Request, id string) (int, any, error) {
			s, err := desk.Pause(r.Context(), id)
			return http.StatusOK, kept{a.ok(), subscription(s)}, err
		},
		"resume": func(r *http.Request, id string) (int, any, error) {
			s, err := desk.Resume(r.Context(), id)
			return http.StatusOK, kept{a.ok(), subscription(s)}, err
		},
		"test": func(r *http.Request, id string) (int, any, error) {
			deliveryID, err := desk.Test(r.Context(), id)
			return http.StatusAccepted, struct {
				Envelope
				DeliveryID string `json:"delivery_id"`
			}{a.ok(), deliveryID}, err
		},
		"replay": func(r *http.Request, id string) (int, any, error) {
			var in struct {
				Since string `json:"since"`
			}
			if err := decodeBody(r, &in); err != nil {
				return 0, nil, err
			}
			at, err := time.Parse(time.RFC3339, in.Since)
			if err != nil {
				return 0, nil, fault.New(fault.Invalid, "Give since, a time such as 2026-11-23T10:00:00Z: what failed for good from then on is sent again.")
			}
			n, err := desk.ReplayDead(r.Context(), id, at)
			return http.StatusAccepted, struct {
				Envelope
				Replayed int `json:"replayed"`
			}{a.ok(), n}, err
		},
	}
	return a.under("/events/subscriptions/{id}/{action}", a.serve(access.Events, methods{http.MethodPost: func(r *http.Request) (int, any, error) {
		act, ok := actions[r.PathValue("action")]
		if !ok {
			return 0, nil, fault.New(fault.NotFound, "There is no such path. A subscription knows rotate-secret, pause, resume, test, replay and deliveries.")
		}
		id, err := pathID(r, "id")
		if err != nil {
			return 0, nil, err
		}
		return act(r, id)
	}}))
}

// under has a handler find the variables of its path in the request.
func (a API) under(path string, h http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/enhanced-integration"+path, h)
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
