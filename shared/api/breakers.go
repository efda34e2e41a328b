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

type breakerShown struct {
	Service  string  `json:"service"`
	Status   string  `json:"status"`
	OpenedAt *string `json:"opened_at"`
	Until    *string `json:"until"`
	LastOpen *string `json:"last_opened_at"`
	Openings int64   `json:"openings"`
}

type breakerList struct {
	Envelope
	Breakers []breakerShown `json:"breakers"`
}

type breakerReset struct {
	Service string `json:"service" api:"required"`
}

type breakerClosed struct {
	Envelope
	Message string `json:"message"`
}

func breakersRoute() Route {
	return Route{Path: "/breakers", Function: "breakers", Group: Operations, Methods: []Method{
		{
			Verb: http.MethodGet, Scope: access.Sync, Does: "Lists the circuit breakers of Notion, the database, subscribers' endpoints and their hosts.",
			Answers: []Answer{{http.StatusOK, breakerList{}}},
		},
		{
			Verb: http.MethodPost, Scope: access.Sync, Does: "Closes a circuit breaker.", Body: breakerReset{}, Examples: []string{`{"service":"notion"}`},
			Answers: []Answer{{http.StatusOK, breakerClosed{}}}, Fails: []fault.Kind{fault.NotFound},
		},
	}}
}

// Breakers answers GET and POST /breakers: the circuit breakers of Notion, of Supabase, and of each subscription's endpoint and each
// subscriber's host that ever opened, and closing one by hand. Resetting twice does no harm.
func (a API) Breakers(desk BreakerStore) http.Handler {
	return a.serve(breakersRoute(), endpoints{
		http.MethodGet: func(r *http.Request) (int, any, error) {
			list, err := desk.List(r.Context())
			if err != nil {
				return 0, nil, err
			}
			breakers := make([]breakerShown, len(list))
			for i, b := range list {
				breakers[i] = breakerShown{b.Service, b.Status, stampOrNull(b.OpenedAt), stampOrNull(b.Until), stampOrNull(b.LastOpenedAt), b.Openings}
			}
			return http.StatusOK, breakerList{a.ok(), breakers}, nil
		},
		http.MethodPost: func(r *http.Request) (int, any, error) {
			var in breakerReset
			if err := decodeBody(r, &in); err != nil {
				return 0, nil, err
			}
			if in.Service == "" || len(in.Service) > 300 {
				return 0, nil, fault.New(fault.Invalid, "service must name a breaker; GET /breakers lists them.")
			}
			if err := desk.Reset(r.Context(), in.Service); err != nil {
				return 0, nil, err
			}
			return http.StatusOK, breakerClosed{a.ok(), "The breaker is closed; every function lets calls through again within a second. Deliveries that wait follow within half a minute."}, nil
		},
	})
}
