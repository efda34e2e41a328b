package app

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/postgres/records"
)

// MatchesList answers GET /sync/matches.
func MatchesList() http.Handler { return perConnection("matches-list", deps.answerMatchesList) }

func (p deps) answerMatchesList(pool *postgres.Pool) http.Handler {
	return p.api().Matches(p.doubts(pool))
}

// doubts are the connection's pages of which somebody has to say which row they are.
func (p deps) doubts(pool *postgres.Pool) records.Doubts {
	return records.Doubts{Pool: pool, ConnectionID: p.id(), Mapping: p.cfg.Mapping}
}
