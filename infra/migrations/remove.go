package migrations

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// ours finds the tables in public that only this project has a use for, whatever the application calls its own.
const ours = `
	select c.oid::regclass::text from pg_class c
	where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
	and exists (select from pg_constraint k where k.conrelid = c.oid and k.confrelid = 'integration.connections'::regclass)
	and (c.relname = 'oauth_tokens' or (select count(*) = 4 from pg_attribute a
		where a.attrelid = c.oid and not a.attisdropped and a.attname in ('notion_id', 'data', 'row_data', 'exact')))
	order by 1`

// synced finds the tables of records and of their relations.
const synced = `
	select distinct tgrelid::regclass::text from pg_trigger
	where tgfoid in ('integration.note_sync_change()'::regprocedure, 'integration.note_sync_relation()'::regprocedure) order by 1`

// Remove takes everything of ours out of the database at url: the schema integration with what it triggers, the base tables and the grants of OAuth.
// The tables of records and of their relations stay, with their rows. It returns both, named as SQL names them; nothing at all where the schema is not
// there.
func Remove(ctx context.Context, url string) (dropped, kept []string, err error) {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return nil, nil, fmt.Errorf("open the database: %w", err)
	}
	defer func() { _ = db.Close() }() // nothing is left to be written
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("open the database: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing to do once it is committed
	var there bool
	if err := tx.QueryRowContext(ctx, "select to_regclass('integration.goose_db_version') is not null").Scan(&there); err != nil || !there {
		return nil, nil, err
	}
	if dropped, err = names(ctx, tx, ours); err != nil {
		return nil, nil, fmt.Errorf("look for the tables: %w", err)
	}
	if kept, err = names(ctx, tx, synced); err != nil {
		return nil, nil, fmt.Errorf("look for the tables: %w", err)
	}
	// What the functions hold a lock on is waited for, but not for long.
	statements := []string{"set local lock_timeout = '10s'", "drop schema integration cascade"}
	if len(dropped) > 0 {
		statements = slices.Insert(statements, 1, "drop table "+strings.Join(dropped, ", "))
	}
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return nil, nil, fmt.Errorf("remove the tables: %w", err)
		}
	}
	return dropped, kept, tx.Commit()
}

func names(ctx context.Context, tx *sql.Tx, query string) (list []string, err error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		list = append(list, name)
	}
	return list, rows.Err()
}
