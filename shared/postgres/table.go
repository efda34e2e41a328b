package postgres

import "github.com/jackc/pgx/v5"

// TableOf returns, as SQL, a table of records or its base table: those are in the schema public, and everything else of ours in integration.
// Statements name the schema, because a pooler may drop a session's search_path.
func TableOf(name string) string { return pgx.Identifier{"public", name}.Sanitize() }
