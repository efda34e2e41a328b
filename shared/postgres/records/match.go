package records

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// scope says what counts, in SQL in which $5 is the dry run's id: which matches, as conditions on the page m and the row d; which
// records the run has told of; and which rows are to be looked at though nobody has changed them.
type scope struct{ pages, rows, told, unchanged string }

//nolint:gochecknoglobals // constants that Go cannot spell
var (
	inForce = scope{
		pages:     `m.run_id is null and $5::uuid is null`,
		rows:      `d.run_id is null`,
		told:      `false`,
		unchanged: `and $5::uuid is null`,
	}
	// A dry run's own matches go before those in force.
	rehearsed = scope{
		pages: `(m.run_id = $5::uuid or m.run_id is null)`,
		rows: `(d.run_id = $5::uuid or d.run_id is null and not exists (
			select from integration.sync_match_rows own where own.run_id = $5::uuid and own.kind = $4))`,
		told:      `exists (select from integration.sync_previews v where v.run_id = $5::uuid and v.kind = $4 and v.row_id = coalesce(b.id, m.row_id, k.row_id))`,
		unchanged: `union all select row_id, place from integration.sync_match_rows where run_id = $5::uuid and kind = $2 and place > $3`,
	}
)

// Meets reports whether both sides may meet for the first time: the table has live records, the base has none at all.
func (t *Tables) Meets(ctx context.Context) (meets bool, err error) {
	err = t.pool.QueryRow(ctx, t.sql.meets, t.connectionID).Scan(&meets)
	return meets, postgres.Fault(err)
}

// stagePages queues the storing of pages that are to be matched.
func (t *Tables) stagePages(todo *pgx.Batch, batch journal.Batch) {
	if len(batch.Staged) == 0 {
		return
	}
	staged, err := json.Marshal(batch.Staged)
	if err != nil {
		return // strings can always be written as JSON
	}
	todo.Queue(`
		insert into integration.sync_match_pages (connection_id, run_id, kind, notion_id, title, row_key, key, name)
		select $1, $2, $3, x.page_id, x.title, integration.match_key(x.row_key), integration.match_key(x.key), integration.match_key(x.title)
		from jsonb_to_recordset($4) as x(page_id text, row_key text, key text, title text)
		on conflict (run_id, kind, notion_id) do update set title = excluded.title, row_key = excluded.row_key, key = excluded.key, name = excluded.name`,
		t.connectionID, batch.Part.Run.ID, t.kind.Name, storable(staged))
}

// Match decides which of the staged pages is which row. What somebody decided before stands; what an earlier run decided, and never
// came to use, is decided anew. Every live row that is not in doubt is noted as changed, so that one without a page gets one.
func (t *Tables) Match(ctx context.Context, lease journal.Lease, part journal.Part) (matched, doubtful int, err error) {
	err = t.pool.InTx(ctx, func(tx pgx.Tx) error {
		if err := t.pair(ctx, tx, lease, part); err != nil {
			return err
		}
		kept := []any{t.connectionID, part.Run.ID, t.kind.Name}
		for _, statement := range []string{
			`delete from integration.sync_match_pages where connection_id = $1 and $2::uuid is not null and kind = $3 and run_id is null and decided_by is null`,
			`delete from integration.sync_match_rows where connection_id = $1 and $2::uuid is not null and kind = $3 and run_id is null`,
			t.sql.note,
			`update integration.sync_match_pages set run_id = null, row_key = null, key = null, name = null
				where connection_id = $1 and run_id = $2 and kind = $3 and state <> 'staged'`,
			`update integration.sync_match_rows set run_id = null, row_key = null, key = null, name = null
				where connection_id = $1 and run_id = $2 and kind = $3 and state = 'doubtful'`,
			`delete from integration.sync_match_pages where connection_id = $1 and run_id = $2 and kind = $3`,
			`delete from integration.sync_match_rows where connection_id = $1 and run_id = $2 and kind = $3`,
		} {
			if _, err := tx.Exec(ctx, statement, kept...); err != nil {
				return err
			}
		}
		return tx.QueryRow(ctx, `
			select count(*) filter (where state = 'matched'), count(*) filter (where state = 'doubtful')
			from integration.sync_match_pages where connection_id = $1 and kind = $2 and run_id is null`, t.connectionID, t.kind.Name).
			Scan(&matched, &doubtful)
	})
	return matched, doubtful, postgres.Fault(err)
}

// pair stages the rows beside the pages and marks on both sides what has something in common with the other, by the strongest
// criterion that it has: one page and one row are the same record, more of either are in doubt. It stores the part as well.
func (t *Tables) pair(ctx context.Context, tx pgx.Tx, lease journal.Lease, part journal.Part) error {
	if err := postgres.Fence(ctx, tx, lease); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `delete from integration.sync_match_rows where run_id = $1 and kind = $2`, part.Run.ID, t.kind.Name); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `
		delete from integration.sync_match_pages p where p.run_id = $1 and p.kind = $2 and exists (
			select from integration.sync_match_pages d where d.connection_id = $3 and d.kind = $2 and d.run_id is null and d.notion_id = p.notion_id and d.decided_by is not null
		)`, part.Run.ID, t.kind.Name, t.connectionID); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, t.sql.stage, t.connectionID, part.Run.ID, t.kind.Name); err != nil {
		return err
	}
	for _, by := range []journal.Criterion{journal.ByRowKey, journal.ByKey, journal.ByTitle} {
		if _, err := tx.Exec(ctx, pairing(by), part.Run.ID, t.kind.Name, by); err != nil {
			return err
		}
	}
	return postgres.SavePart(ctx, tx, part)
}

// pairing is the statement that marks what pages and rows have in common by one criterion. A page and a row with the same title and
// different keys are different records.
func pairing(by journal.Criterion) string {
	column, contradicted := string(by), "false"
	if by == journal.ByTitle {
		column, contradicted = "name", "p.pages = 1 and r.rows = 1 and coalesce(p.key <> r.key, false)"
	}
	return fmt.Sprintf(`
		with met as (
			select matched_value, p.pages = 1 and r.rows = 1 as sure, p.notion_id, r.row_id
			from (
				select %[1]s as matched_value, count(*) as pages, min(notion_id) as notion_id, min(key) as key
				from integration.sync_match_pages where run_id = $1 and kind = $2 and state = 'staged' and %[1]s is not null group by 1
			) p join (
				select %[1]s as matched_value, count(*) as rows, min(row_id::text)::uuid as row_id, min(key) as key
				from integration.sync_match_rows where run_id = $1 and kind = $2 and state = 'staged' and %[1]s is not null group by 1
			) r using (matched_value)
			where not (%[2]s)
		), pages as (
			update integration.sync_match_pages m
			set state = case when sure then 'matched' else 'doubtful' end, matched_by = $3, matched_value = met.matched_value, row_id = case when sure then met.row_id end
			from met where m.run_id = $1 and m.kind = $2 and m.state = 'staged' and m.%[1]s = met.matched_value
		)
		update integration.sync_match_rows m set state = case when sure then 'matched' else 'doubtful' end, matched_by = $3, matched_value = met.matched_value
		from met where m.run_id = $1 and m.kind = $2 and m.state = 'staged' and m.%[1]s = met.matched_value`, column, contradicted)
}

// Decided returns pages of which somebody has decided which row they are, and at which nobody has looked since.
func (t *Tables) Decided(ctx context.Context, after string, limit int) ([]journal.Key, error) {
	rows, err := t.pool.Query(ctx, `
		select notion_id, coalesce(row_id::text, '') from integration.sync_match_pages
		where connection_id = $1 and kind = $2 and pending and notion_id > $3 order by notion_id limit $4`,
		t.connectionID, t.kind.Name, after, limit)
	if err != nil {
		return nil, postgres.Fault(err)
	}
	return collectKeys(rows)
}

// meets reports whether a table that has rows meets a database of which nothing is known yet.
func (n naming) meets() string {
	return fmt.Sprintf(`select exists (select from %s where connection_id = $1 and archived_at is null)
		and not exists (select from %s where connection_id = $1)`, n.table, n.base)
}

// stage puts the rows that have no record yet where pages look for theirs.
func (n naming) stage() string {
	return fmt.Sprintf(`
		insert into integration.sync_match_rows (connection_id, run_id, kind, row_id, row_key, key, name)
		select $1, $2, $3, r.id, r.id::text, integration.match_key(%s), integration.match_key(%s) from %s r
		where r.connection_id = $1 and r.archived_at is null and not exists (
			select from integration.sync_match_pages m where m.connection_id = $1 and m.kind = $3 and m.run_id is null and m.row_id = r.id and m.decided_by is not null
		)`, textOf(n.kind, n.kind.Key), textOf(n.kind, n.title), n.table)
}

// note has the rows that were matched count as changed.
func (n naming) note() string {
	return fmt.Sprintf(`
		insert into integration.sync_changes (connection_id, kind, row_id, changed_at)
		select $1, $3, m.row_id, r.updated_at from integration.sync_match_rows m join %s r on r.connection_id = $1 and r.id = m.row_id
		where m.run_id = $2 and m.kind = $3 and m.state <> 'doubtful'
		and not exists (select from integration.sync_changes c where c.connection_id = $1 and c.kind = $3 and c.row_id = m.row_id)
		order by m.row_id`, n.table)
}
