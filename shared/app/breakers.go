package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

// Breakers answers GET and POST /breakers.
func Breakers() http.Handler { return perConnection("breakers", deps.answerBreakers) }

// answerBreakers shows the database's, which all connections share, with the first one's.
func (p deps) answerBreakers(pool *postgres.Pool) http.Handler {
	always := []string{string(metric.Notion)}
	if p.id() == config.DefaultConnection {
		always = append(always, string(metric.Supabase))
	}
	return p.api().Breakers(postgres.Breakers{Pool: pool, ConnectionID: p.id(), Always: always})
}
