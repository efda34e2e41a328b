// Package migrations holds the database's schema as numbered SQL, forwards only, and applies it.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that goose speaks through
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed *.sql
var files embed.FS

// Newest returns the name of the newest migration, such as 0003_act.sql.
func Newest() string {
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		panic("no migrations are embedded")
	}
	return names[len(names)-1] // they are sorted
}

// Apply brings the database at url to the newest schema and gives the names of the migrations that it applied, oldest first. Two
// callers at once take turns. The address must be the direct one, not a transaction pooler's: the turn is a session's lock.
func Apply(ctx context.Context, url string) ([]string, error) {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	defer func() { _ = db.Close() }() // nothing is left to be written
	turn, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, fmt.Errorf("prepare the migrations' lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(turn))
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("apply the migrations: %w", err)
	}
	names := make([]string, len(results))
	for i, r := range results {
		names[i] = r.Source.Path
	}
	return names, nil
}
