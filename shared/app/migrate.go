package app

import (
	"context"
	"strings"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Migrate brings the database up to the newest schema and gives what it applied and how far the schema is. It may be invoked at any
// time; two at once take turns. The app secret's MIGRATION_DATABASE_URL, when set, is the direct address beside a pooler's. apply and
// newest come from outside, so that no other function links the migrations. fault.NotFound: no database is set.
func Migrate(apply func(ctx context.Context, url string) ([]string, error), newest string) func(context.Context) (map[string]any, error) {
	return func(ctx context.Context) (map[string]any, error) {
		p, err := newDeps("migrate")
		if err != nil {
			return nil, err
		}
		url, err := p.databaseURL(ctx, config.MigrationDatabaseURL, config.DatabaseURL)
		if err != nil {
			return nil, err
		}
		if url.Empty() {
			return map[string]any{"Newest": "none"}, fault.New(fault.NotFound, "No database is set: put DATABASE_URL into the app secret.")
		}
		applied, err := apply(ctx, url.Reveal())
		return map[string]any{"Applied": strings.Join(applied, " "), "Newest": newest}, err
	}
}
