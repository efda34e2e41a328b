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

// Alerts answers GET and POST /alerts: what holds now, or with status=all what held before too; and that somebody has seen an alert, or
// wants to hear no more of it for a while. Acknowledging twice changes nothing.
func (a API) Alerts(desk AlertStore) http.Handler {
	return a.serve(access.Read, methods{http.MethodGet: a.listAlerts(desk), http.MethodPost: a.changeAlert(desk)})
}

func (a API) listAlerts(desk AlertStore) endpoint {
	return func(r *http.Request) (int, any, error) {
		values, err := query(r, "status", "limit")
		if err != nil {
			return 0, nil, err
		}
		status, err := one(values, "status")
		if err != nil {
			return 0, nil, err
		}
		if values.Has("status") && status != "open" && status != "all" {
			return 0, nil, fault.New(fault.Invalid, "status must be open or all.")
		}
		limit, err := limitOf(values, alertsUsual)
		if err != nil {
			return 0, nil, err
		}
		list, err := desk.List(r.Context(), status == "all", limit)
		if err != nil {
			return 0, nil, err
		}
		shown := make([]alertShown, len(list))
		for i, one := range list {
			shown[i] = showAlert(one, a.Now())
		}
		return http.StatusOK, struct {
			Envelope
			Alerts []alertShown `json:"alerts"`
		}{a.ok(), shown}, nil
	}
}

func (a API) changeAlert(desk AlertStore) endpoint {
	type changed struct {
		Envelope
		Alert   alertShown `json:"alert"`
		Message string     `json:"message"`
	}
	return func(r *http.Request) (int, any, error) {
		if _, err := query(r); err != nil {
			return 0, nil, err
		}
		var in struct {
			ID      string `json:"id"`
			Action  string `json:"action"`
			Minutes int    `json:"minutes"`
		}
		if err := decodeBody(r, &in); err != nil {
			return 0, nil, err
		}
		if _, err := uuid.Parse(in.ID); err != nil {
			return 0, nil, fault.New(fault.Invalid, "id must be an alert's; GET /alerts lists them.")
		}
		caller, err := callerOf(r)
		if err == nil && !caller.May(access.Sync) {
			err = fault.New(fault.Forbidden, "The key of %s may not do this: it needs the scope %q.", caller.Client, access.Sync)
		}
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
		return http.StatusOK, changed{a.ok(), showAlert(is, a.Now()), message}, nil
	}
}
