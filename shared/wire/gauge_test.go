package wire

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
	"github.com/act-platform/enhanced-integration/shared/metric"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

type fixedToken struct{}

func (fixedToken) Token(context.Context) (string, error) { return notionsim.IntegrationToken, nil }
func (fixedToken) Invalidate(string)                     {}

// BenchmarkMeasuring is a request to a Notion on loopback, unmeasured and measured, its share of an invocation's one statement included;
// a real one takes a hundred times as long.
func BenchmarkMeasuring(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"object":"user","id":"1","type":"bot","bot":{}}`))
	}))
	defer server.Close()
	pool := pgtest.New(b)
	g := newGauge("test", "test", slog.New(slog.DiscardHandler))
	g.storeIn(pool)
	for name, observe := range map[string]func(notion.Call){"without": nil, "with": g.notion} {
		client := notion.New(notion.Config{
			BaseURL: server.URL, Tokens: fixedToken{}, Observe: observe,
			Budget: notion.NewWindow(notion.WindowConfig{Requests: 1 << 30, Period: time.Minute}),
		})
		b.Run(name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				if _, err := client.Database(b.Context(), config.DefaultConnection); err != nil {
					b.Fatal(err)
				}
				if n++; observe != nil && n%100 == 0 { // a hundred requests an invocation
					_ = (postgres.Measurements{Pool: pool, ConnectionID: config.DefaultConnection}).Add(b.Context(), []metric.Row{{
						At: time.Now().Truncate(time.Minute), Service: metric.Notion, Operation: "GET", Calls: 100,
					}})
				}
			}
		})
	}
}
