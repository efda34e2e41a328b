package app

import (
	"context"
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/engine"
	"github.com/act-platform/enhanced-integration/shared/sync/settings"
)

// Config answers GET and POST /config.
func Config() http.Handler { return perConnection("config", deps.answerConfig) }

func (p deps) answerConfig(pool *postgres.Pool) http.Handler {
	source := p.source()
	kinds := make([]string, len(p.cfg.Mapping.Kinds))
	for i, k := range p.cfg.Mapping.Kinds {
		kinds[i] = k.Name
	}
	plan := settings.Standard
	if p.cfg.NotionBudget == settings.Business.Requests() {
		plan = settings.Business
	}
	return p.api().Config(postgres.Settings{Pool: pool}, api.Configured{
		Notion:   p.rememberedCheck(p.cache(), p.notionBreaker(), source),
		Supabase: postgres.Status{Pool: pool}.Ping,
		Auth:     p.notionAuth(source),
		Grants:   p.grants(pool).List,
		Synced:   postgres.Settings{Pool: pool}.Synced,
		Set: func(ctx context.Context, name string) (bool, error) {
			value, err := p.secret.Get(ctx, name)
			return !value.Empty(), err
		},
		Secrets:     config.Secrets(),
		First:       config.DefaultConnection,
		Connection:  p.id(),
		Kinds:       kinds,
		Databases:   p.cfg.DatabaseIDs,
		SupabaseURL: p.cfg.SupabaseURL,
		Schedule:    p.cfg.SyncSchedule,
		BatchSize:   engine.BatchSize,
		Attempts:    notion.DefaultAttempts,
		Plan:        plan,
		Realtime:    p.cfg.RealTimeSync,
		Limit:       p.limits.answer,
	})
}
