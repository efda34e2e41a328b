// Package migrations holds the database's schema as numbered SQL, forwards only, and applies it.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that goose speaks through
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

//go:embed *.sql
var files embed.FS

// before carries over a database whose schema is of before the first release, when everything was in public (ADR 0122).
//
//go:embed upgrade/from_0122.sql
var before string

const (
	// applied is the table that notes which migrations were applied. The user's own migrations, in public, share no number with ours.
	applied = "integration.goose_db_version"
	// lastBefore is the newest migration of the schema that before carries over.
	lastBefore = 122
	// functions is the migration that before needs as well: it only replaces functions.
	functions = "0007_functions.sql"
	// carried is the newest migration whose work before does.
	carried = 8
)

// Newest returns the name of the newest migration, such as 0003_sync.sql.
func Newest() string {
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		panic("no migrations are embedded")
	}
	return names[len(names)-1] // they are sorted
}

// Apply brings the database at url to the newest schema and returns the names of the migrations that it applied, oldest first. Two
// callers at once take turns. The address must be the direct one, not a transaction pooler's: the turn is a session's lock.
func Apply(ctx context.Context, url string) ([]string, error) {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	defer func() { _ = db.Close() }() // nothing is left to be written
	if err := prepare(ctx, db); err != nil {
		return nil, err
	}
	turn, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, fmt.Errorf("prepare the migrations' lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(turn), goose.WithTableName(applied))
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("apply the migrations: %w", err)
	}
	if _, err := db.ExecContext(ctx, "select integration.make_act_tables()"); err != nil {
		return nil, fmt.Errorf("make the tables whose names are free: %w", err)
	}
	names := make([]string, len(results))
	for i, r := range results {
		names[i] = r.Source.Path
	}
	return names, nil
}

// prepare makes the schema that the migrations are noted in, and carries over a database of before it: in one transaction, so that what breaks off
// leaves the database as it was.
func prepare(ctx context.Context, db *sql.DB) (err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer func() {
		if failed := tx.Rollback(); err != nil && !errors.Is(failed, sql.ErrTxDone) {
			err = errors.Join(err, failed)
		}
	}()
	var made, used bool
	var version int
	if _, err := tx.ExecContext(ctx, "select pg_advisory_xact_lock(hashtextextended('integration: prepare the schema', 0))"); err != nil {
		return fmt.Errorf("take a turn: %w", err)
	}
	if err := tx.QueryRowContext(ctx, `select to_regclass('integration.goose_db_version') is not null, exists (
		select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'integration')`).Scan(&made, &used); err != nil {
		return fmt.Errorf("look at the schema: %w", err)
	}
	if made {
		return nil
	}
	if used {
		return errors.New(`the database has a schema named "integration" with tables of its own. This project needs the name: rename that schema (alter schema integration rename to ...)`)
	}
	if version, err = versionBefore(ctx, tx); err != nil {
		return fmt.Errorf("look at the schema: %w", err)
	}
	if version != 0 && version < lastBefore {
		return fmt.Errorf("the database's schema has version %d. Bring it to version %d first, as docs/DEPLOY.md says", version, lastBefore)
	}
	if _, err := tx.ExecContext(ctx, "create schema if not exists integration"); err != nil {
		return fmt.Errorf("make the schema: %w", err)
	}
	if version != 0 {
		if err := carry(ctx, tx); err != nil {
			return fmt.Errorf("carry the tables over into the schema integration: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("make the schema: %w", err)
	}
	return nil
}

// versionBefore returns the version of a schema of before the first release, 0 where there is none.
func versionBefore(ctx context.Context, tx *sql.Tx) (version int, err error) {
	var ours bool
	err = tx.QueryRowContext(ctx, `select to_regclass('public.sync_run_databases') is not null and to_regclass('public.goose_db_version') is not null`).Scan(&ours)
	if err != nil || !ours {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, `select max(version_id) from public.goose_db_version where is_applied and version_id <= $1`, lastBefore).Scan(&version)
	return version, err
}

// carry moves everything of ours from public into the schema integration, and notes the migrations whose work that does.
func carry(ctx context.Context, tx *sql.Tx) error {
	replace, err := files.ReadFile(functions)
	if err != nil {
		return err
	}
	for _, statements := range []string{before, string(replace)} {
		if _, err := tx.ExecContext(ctx, statements); err != nil {
			return err
		}
	}
	store, err := database.NewStore(database.DialectPostgres, applied)
	if err != nil {
		return err
	}
	if err := store.CreateVersionTable(ctx, tx); err != nil {
		return err
	}
	for version := range int64(carried + 1) {
		if err := store.Insert(ctx, tx, database.InsertRequest{Version: version}); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, "alter table "+applied+" enable row level security")
	return err
}
