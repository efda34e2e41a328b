package api

import (
	"context"
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
)

// BreakerStore keeps the circuit breakers.
type BreakerStore interface {
	List(ctx context.Context) ([]breaker.Summary, error)
	Reset(ctx context.Context, service string) error
}

// Breakers answers GET and POST /breakers: the circuit breakers of Notion, of Supabase, and of each subscription's endpoint and each
// subscriber's host that ever opened, and closing one by hand. Resetting twice does no harm.
func (a API) Breakers(desk BreakerStore) http.Handler {
	type shown struct {
		Service  string  `json:"service"`
		Status   string  `json:"status"`
		OpenedAt *string `json:"opened_at"`
		Until    *string `json:"until"`
		LastOpen *string `json:"last_opened_at"`
		Openings int64   `json:"openings"`
	}
	return a.serve(access.Sync, methods{
		http.MethodGet: func(r *http.Request) (int, any, error) {
			if _, err := query(r); err != nil {
				return 0, nil, err
			}
			list, err := desk.List(r.Context())
			if err != nil {
				return 0, nil, err
			}
			breakers := make([]shown, len(list))
			for i, b := range list {
				breakers[i] = shown{b.Service, b.Status, stampOrNull(b.OpenedAt), stampOrNull(b.Until), stampOrNull(b.LastOpenedAt), b.Openings}
			}
			return http.StatusOK, struct {
				Envelope
				Breakers []shown `json:"breakers"`
			}{a.ok(), breakers}, nil
		},
		http.MethodPost: func(r *http.Request) (int, any, error) {
			var in struct {
				Service string `json:"service"`
			}
			if err := decodeBody(r, &in); err != nil {
				return 0, nil, err
			}
			if in.Service == "" || len(in.Service) > 300 {
				return 0, nil, fault.New(fault.Invalid, "service must name a breaker; GET /breakers lists them.")
			}
			if err := desk.Reset(r.Context(), in.Service); err != nil {
				return 0, nil, err
			}
			return http.StatusOK, struct {
				Envelope
				Message string `json:"message"`
			}{a.ok(), "The breaker is closed; every function lets calls through again within a second. Deliveries that wait follow within half a minute."}, nil
		},
	})
}
