package api

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/ops/alert"
)

const (
	alertsUsual = 50
	// silenceMost is how long an alert may be silenced, in minutes: a week.
	silenceMost = 7 * 24 * 60
)

// AlertStore keeps the alerts.
type AlertStore interface {
	List(ctx context.Context, all bool, limit int) ([]alert.Alert, error)
	Acknowledge(ctx context.Context, id, by string, now time.Time) (alert.Alert, error)
	Silence(ctx context.Context, id string, until time.Time) (alert.Alert, error)
}

type alertShown struct {
	ID             string          `json:"id"`
	Condition      alert.Condition `json:"condition"`
	Subject        string          `json:"subject,omitempty"`
	Title          string          `json:"title"`
	Message        string          `json:"message"`
	Status         string          `json:"status"` // raised, acknowledged, silenced or resolved
	RaisedAt       string          `json:"raised_at"`
	ResolvedAt     *string         `json:"resolved_at"`
	AcknowledgedBy string          `json:"acknowledged_by,omitempty"`
	AcknowledgedAt *string         `json:"acknowledged_at,omitempty"`
	SilencedUntil  *string         `json:"silenced_until,omitempty"`
}

func showAlert(a alert.Alert, now time.Time) alertShown {
	shown := alertShown{
		ID: a.ID, Condition: a.Key.Condition, Subject: a.Key.Subject, Title: a.Key.Title(), Message: a.Message, Status: "raised",
		RaisedAt: stamp(a.RaisedAt), ResolvedAt: stampOrNull(a.ResolvedAt),
		AcknowledgedBy: a.AcknowledgedBy, AcknowledgedAt: stampOrNull(a.AcknowledgedAt),
	}
	if now.Before(a.SilencedUntil) {
		shown.SilencedUntil, shown.Status = stampOrNull(a.SilencedUntil), "silenced"
	}
	if a.AcknowledgedBy != "" {
		shown.Status = "acknowledged"
	}
	if !a.ResolvedAt.IsZero() {
		shown.Status = "resolved"
	}
	return shown
}

// alertStatus is which alerts are listed.
type alertStatus string

// Which alerts may be listed.
const (
	openAlerts alertStatus = "open"
	allAlerts  alertStatus = "all"
)

type alertList struct {
	Envelope
	Alerts []alertShown `json:"alerts"`
}

type alertChange struct {
	ID      string `json:"id" api:"required"`
	Action  string `json:"action" api:"required"`
	Minutes int    `json:"minutes"`
}

type alertChanged struct {
	Envelope
	Alert   alertShown `json:"alert"`
	Message string     `json:"message"`
}

func alertsRoute() Route {
	return Route{Path: "/alerts", Function: "alerts", Group: Operations, Methods: []Method{
		{
			Verb: http.MethodGet, Scope: access.Read, Does: "Lists open alerts, or all of them.",
			Query:   []Parameter{{"status", alertStatus(""), "open, which is usual, or all."}, limitParameter()},
			Answers: []Answer{{http.StatusOK, alertList{}}},
		},
		{
			Verb: http.MethodPost, Scope: access.Sync, Also: access.Read, Does: "Acknowledges an alert, or silences it for up to a week.",
			Body: alertChange{}, Examples: []string{`{"id":"…","action":"acknowledge"}`, `{"id":"…","action":"silence","minutes":60}`},
			Answers: []Answer{{http.StatusOK, alertChanged{}}}, Fails: []fault.Kind{fault.NotFound, fault.Conflict},
		},
	}}
}

// Alerts answers GET and POST /alerts: what holds now, or with status=all what held before too; and that somebody has seen an alert, or
// wants to hear no more of it for a while. Acknowledging twice changes nothing.
func (a API) Alerts(desk AlertStore) http.Handler {
	return a.serve(alertsRoute(), endpoints{http.MethodGet: a.listAlerts(desk), http.MethodPost: a.changeAlert(desk)})
}

func (a API) listAlerts(desk AlertStore) endpoint {
	return func(r *http.Request) (int, any, error) {
		values := r.URL.Query()
		status, err := one(values, "status")
		if err != nil {
			return 0, nil, err
		}
		if values.Has("status") && alertStatus(status) != openAlerts && alertStatus(status) != allAlerts {
			return 0, nil, fault.New(fault.Invalid, "status must be open or all.")
		}
		limit, err := limitOf(values, alertsUsual)
		if err != nil {
			return 0, nil, err
		}
		list, err := desk.List(r.Context(), alertStatus(status) == allAlerts, limit)
		if err != nil {
			return 0, nil, err
		}
		shown := make([]alertShown, len(list))
		for i, one := range list {
			shown[i] = showAlert(one, a.Now())
		}
		return http.StatusOK, alertList{a.ok(), shown}, nil
	}
}

func (a API) changeAlert(desk AlertStore) endpoint {
	return func(r *http.Request) (int, any, error) {
		var in alertChange
		if err := decodeBody(r, &in); err != nil {
			return 0, nil, err
		}
		if _, err := uuid.Parse(in.ID); err != nil {
			return 0, nil, fault.New(fault.Invalid, "id must be an alert's; GET /alerts lists them.")
		}
		caller, err := callerOf(r)
		if err != nil {
			return 0, nil, err
		}
		var is alert.Alert
		message := "The alert is acknowledged; nobody is told of it again until it is resolved."
		switch {
		case in.Action == "acknowledge" && in.Minutes == 0:
			is, err = desk.Acknowledge(r.Context(), in.ID, caller.Client, a.Now())
		case in.Action == "silence" && in.Minutes >= 1 && in.Minutes <= silenceMost:
			is, err = desk.Silence(r.Context(), in.ID, a.Now().Add(time.Duration(in.Minutes)*time.Minute))
			message = "The alert is silent for a while."
		default:
			err = fault.New(fault.Invalid, "Send action acknowledge, or action silence with minutes from 1 to %d.", silenceMost)
		}
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, alertChanged{a.ok(), showAlert(is, a.Now()), message}, nil
	}
}
