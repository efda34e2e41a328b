package api

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// DeliveryReader shows what was sent to a subscription. fault.NotFound: there is none of that id.
type DeliveryReader interface {
	Deliveries(ctx context.Context, subscriptionID string, f delivery.Filter) ([]delivery.Delivery, error)
	Delivery(ctx context.Context, subscriptionID, deliveryID string) (delivery.Delivery, []delivery.Attempt, error)
}

type deliveryShown struct {
	ID          string          `json:"delivery_id"`
	EventID     string          `json:"event_id"`
	EventType   event.Type      `json:"event_type"`
	ReplayOf    string          `json:"replay_of,omitempty"`
	Status      delivery.Status `json:"status"`
	Attempts    int             `json:"attempts"`
	NextAttempt *string         `json:"next_attempt_at"`
	LastStatus  int             `json:"last_status_code,omitempty"`
	LastError   string          `json:"last_error,omitempty"`
	CreatedAt   string          `json:"created_at"`
	FinishedAt  *string         `json:"finished_at"`
}

func deliveryOf(d delivery.Delivery) deliveryShown {
	return deliveryShown{
		d.ID, d.EventID, d.EventType, d.ReplayOf, d.Status, d.Attempts, stampOrNull(d.NextAttemptAt), d.LastStatus, d.LastError,
		stamp(d.CreatedAt), stampOrNull(d.FinishedAt),
	}
}

type attemptShown struct {
	Number     int    `json:"attempt"`
	StartedAt  string `json:"started_at"`
	DurationMS int64  `json:"duration_ms"`
	StatusCode int    `json:"status_code,omitempty"`
	Answer     string `json:"answer,omitempty"`
	Error      string `json:"error,omitempty"`
}

type deliveryList struct {
	Envelope
	ID         string          `json:"subscription_id"`
	Deliveries []deliveryShown `json:"deliveries"`
	Next       *string         `json:"next_cursor"`
}

func deliveriesRoute() Route {
	return Route{Path: "/events/subscriptions/{id}/deliveries", Function: "events-deliveries", Group: Webhooks, Methods: []Method{{
		Verb: http.MethodGet, Scope: access.Events, Does: "Lists deliveries.",
		Query:   []Parameter{{"status", delivery.Status(""), "Only those of this status."}, limitParameter(), cursorParameter()},
		Answers: []Answer{{http.StatusOK, deliveryList{}}},
	}}}
}

// Deliveries answers GET /events/subscriptions/{id}/deliveries.
func (a API) Deliveries(deliveries DeliveryReader) http.Handler {
	return a.under(deliveriesRoute(), endpoints{http.MethodGet: func(r *http.Request) (int, any, error) {
		id, err := pathID(r, "id")
		if err != nil {
			return 0, nil, err
		}
		filter, err := deliveryFilter(r)
		if err != nil {
			return 0, nil, err
		}
		most := filter.Limit
		filter.Limit++ // one more than was asked for: is there a next page?
		list, err := deliveries.Deliveries(r.Context(), id, filter)
		if err != nil {
			return 0, nil, err
		}
		var next *string
		if len(list) > most {
			list = list[:most]
			cursor := base64.RawURLEncoding.EncodeToString([]byte(list[most-1].ID))
			next = &cursor
		}
		shown := make([]deliveryShown, len(list))
		for i, d := range list {
			shown[i] = deliveryOf(d)
		}
		return http.StatusOK, deliveryList{a.ok(), id, shown, next}, nil
	}})
}

func deliveryFilter(r *http.Request) (f delivery.Filter, err error) {
	values := r.URL.Query()
	if f.Limit, err = limitOf(values, eventsUsual); err != nil {
		return f, err
	}
	status, err := one(values, "status")
	if err != nil {
		return f, err
	}
	if f.Status = delivery.Status(status); values.Has("status") && !slices.Contains(delivery.Statuses(), f.Status) {
		return f, fault.New(fault.Invalid, "status must be %s.", fault.OneOf(delivery.Statuses()))
	}
	cursor, err := one(values, "cursor")
	if err != nil || !values.Has("cursor") {
		return f, err
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	id, errID := uuid.Parse(string(text))
	if err != nil || errID != nil {
		return f, fault.New(fault.Invalid, "cursor must be the next_cursor of an answer before.")
	}
	f.Before = id.String()
	return f, nil
}

type deliveryAnswer struct {
	Envelope
	ID       string         `json:"subscription_id"`
	Delivery deliveryShown  `json:"delivery"`
	Attempts []attemptShown `json:"attempts"`
}

func deliveryRoute() Route {
	return Route{Path: "/events/subscriptions/{id}/deliveries/{delivery}", Function: "events-delivery", Group: Webhooks, Methods: []Method{{
		Verb: http.MethodGet, Scope: access.Events, Does: "One delivery with every attempt.", Answers: []Answer{{http.StatusOK, deliveryAnswer{}}},
	}}}
}

// Delivery answers GET /events/subscriptions/{id}/deliveries/{delivery}.
func (a API) Delivery(deliveries DeliveryReader) http.Handler {
	return a.under(deliveryRoute(), endpoints{http.MethodGet: func(r *http.Request) (int, any, error) {
		id, deliveryID, err := deliveryPath(r)
		if err != nil {
			return 0, nil, err
		}
		d, attempts, err := deliveries.Delivery(r.Context(), id, deliveryID)
		if err != nil {
			return 0, nil, err
		}
		shown := make([]attemptShown, len(attempts))
		for i, t := range attempts {
			shown[i] = attemptShown{t.Number, stamp(t.StartedAt), t.Duration.Milliseconds(), t.StatusCode, t.Answer, t.Error}
		}
		return http.StatusOK, deliveryAnswer{a.ok(), id, deliveryOf(d), shown}, nil
	}})
}

// Replayer has a delivery's event sent once more, as a delivery of its own; fault.Conflict when the subscription is not active.
type Replayer interface {
	Replay(ctx context.Context, subscriptionID, deliveryID string) (newID string, err error)
}

type replayAnswer struct {
	Envelope
	DeliveryID string `json:"delivery_id"`
	ReplayOf   string `json:"replay_of"`
}

func deliveryReplayRoute() Route {
	return Route{Path: "/events/subscriptions/{id}/deliveries/{delivery}/replay", Function: "events-delivery-replay", Group: Webhooks, Methods: []Method{{
		Verb: http.MethodPost, Scope: access.Events, Does: "Sends one event again.", Answers: []Answer{{http.StatusAccepted, replayAnswer{}}},
		Fails: []fault.Kind{fault.Conflict},
	}}}
}

// Replay answers POST /events/subscriptions/{id}/deliveries/{delivery}/replay. Each time makes a delivery of its own; what arrives
// carries the webhook-id of the first.
func (a API) Replay(desk Replayer) http.Handler {
	return a.under(deliveryReplayRoute(), endpoints{http.MethodPost: func(r *http.Request) (int, any, error) {
		id, deliveryID, err := deliveryPath(r)
		if err != nil {
			return 0, nil, err
		}
		newID, err := desk.Replay(r.Context(), id, deliveryID)
		if err != nil {
			return 0, nil, err
		}
		return http.StatusAccepted, replayAnswer{a.ok(), newID, deliveryID}, nil
	}})
}

func deliveryPath(r *http.Request) (id, deliveryID string, err error) {
	if id, err = pathID(r, "id"); err == nil {
		deliveryID, err = pathID(r, "delivery")
	}
	return id, deliveryID, err
}
