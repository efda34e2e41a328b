package notionsim

import (
	"context"
	"net/http"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/webhook"
)

// habits returns how webhooks are delivered.
func (s *Sim) habits() webhook.Habits {
	o := s.Options()
	return webhook.Habits{
		Delay:       time.Duration(o.WebhookDelayMS) * time.Millisecond,
		Jitter:      time.Duration(o.WebhookJitterMS) * time.Millisecond,
		Duplication: o.WebhookDuplication, Loss: o.WebhookLoss,
		Shuffled: o.WebhookOrder == "shuffled", Merging: o.WebhookMerging, Background: o.WebhookBackground,
	}
}

// Subscribe makes an address the one that is told what happens. It must take the verification token first, which is the
// subscription's Token then; a token of "" is made up.
func (s *Sim) Subscribe(ctx context.Context, url, token string) (webhook.Subscription, error) {
	return s.webhooks.Subscribe(ctx, url, token)
}

// Subscription returns who is told what happens, nil when nobody is.
func (s *Sim) Subscription() *webhook.Subscription { return s.webhooks.Subscription() }

// DeliverWebhooks sends every webhook that is due now, and gives how many were taken and how many must be sent again.
func (s *Sim) DeliverWebhooks(ctx context.Context) (taken, failed int) {
	return s.webhooks.Deliver(ctx)
}

// controlSubscribe takes {"url":"https://…"}, and verification_token where it shall not be made up.
func (s *Sim) controlSubscribe(r *http.Request) (any, error) {
	var wanted struct {
		URL   string `json:"url"`
		Token string `json:"verification_token"`
	}
	if err := decode(r.Body, &wanted); err != nil {
		return nil, err
	}
	return s.Subscribe(r.Context(), wanted.URL, wanted.Token)
}

func (s *Sim) controlDeliver(r *http.Request) (any, error) {
	taken, failed := s.DeliverWebhooks(r.Context())
	return map[string]int{"delivered": taken, "failed": failed}, nil
}
