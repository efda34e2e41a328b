package wire

import (
	"context"
	"encoding/json"

	"github.com/act-platform/enhanced-integration/shared/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Migrate brings the database up to the newest schema and answers with what it applied. It may be invoked at any time; two at once
// take turns. The app secret's MIGRATION_DATABASE_URL, when set, is the direct address beside a pooler's. apply comes from outside, so
// that no other function links the migrations.
func Migrate(apply func(ctx context.Context, url string) ([]string, error)) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, _ json.RawMessage) (any, error) {
		p, err := newParts("migrate")
		if err != nil {
			return nil, err
		}
		url, err := p.secret.Get(ctx, config.MigrationDatabaseURL)
		if err == nil && url == "" {
			url, err = p.secret.Get(ctx, config.DatabaseURL)
		}
		if err != nil {
			return nil, err
		}
		if url == "" {
			return nil, fault.New(fault.Unavailable, "No database is set: put DATABASE_URL into the app secret.")
		}
		applied, err := apply(ctx, url)
		return map[string]any{"applied": applied}, err
	}
}
