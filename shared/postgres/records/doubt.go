package records

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// candidates is how many rows that a page may be are shown with it.
const candidates = 20

// Doubts keeps the pages of which somebody has to say which row they are.
type Doubts struct {
	Pool         *postgres.Pool
	ConnectionID string
	Mapping      mapping.Mapping
}

// List returns doubts in the order in which the pages were listed, each with the rows that the page may be.
func (d Doubts) List(ctx context.Context, f journal.FindDoubts) (journal.Doubts, error) {
	const fits = `connection_id = $1 and run_id is null and state = 'doubtful' and ($2 = '' or kind = $2)`
	var found journal.Doubts
	if err := d.Pool.QueryRow(ctx, `select count(*) from integration.sync_match_pages where `+fits, d.ConnectionID, f.Kind).Scan(&found.Total); err != nil {
		return found, postgres.Fault(err)
	}
	rows, err := d.Pool.Query(ctx, `
		select seq, kind, notion_id, title, matched_by, matched_value,
			(select count(*) from integration.sync_match_rows r where r.connection_id = p.connection_id and r.run_id is null and r.kind = p.kind
				and r.matched_by = p.matched_by and md5(r.matched_value) = md5(p.matched_value)),
			(select count(*) from integration.sync_match_pages o where o.connection_id = p.connection_id and o.run_id is null and o.kind = p.kind
				and o.state = 'doubtful' and o.matched_by = p.matched_by and o.matched_value = p.matched_value)
		from integration.sync_match_pages p where `+fits+` and seq > $3 order by seq limit $4`, d.ConnectionID, f.Kind, f.After, f.Limit+1)
	if err != nil {
		return found, postgres.Fault(err)
	}
	found.Items, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (j journal.Doubt, err error) {
		err = row.Scan(&j.Place, &j.Kind, &j.PageID, &j.Title, &j.By, &j.Value, &j.Rows, &j.Pages)
		return j, err
	})
	if len(found.Items) > f.Limit { // one more than was asked for: there is a next page
		found.Items = found.Items[:f.Limit]
		found.Next = found.Items[f.Limit-1].Place
	}
	if err == nil {
		err = d.addCandidates(ctx, found.Items)
	}
	return found, postgres.Fault(err)
}

// addCandidates puts the rows that the pages may be beside them, with one question for each kind.
func (d Doubts) addCandidates(ctx context.Context, doubts []journal.Doubt) error {
	places := map[string][]int64{}
	byPlace := map[int64]*journal.Doubt{}
	for i, doubt := range doubts {
		places[doubt.Kind] = append(places[doubt.Kind], doubt.Place)
		byPlace[doubt.Place] = &doubts[i]
	}
	for _, k := range d.Mapping.Kinds {
		if places[k.Name] == nil {
			continue
		}
		var columns []string
		for _, f := range k.Fields {
			if f.Join == nil {
				columns = append(columns, "t."+pgx.Identifier{f.Column}.Sanitize())
			}
		}
		rows, err := d.Pool.Query(ctx, fmt.Sprintf(`
			select p.seq, r.id, r.columns from integration.sync_match_pages p cross join lateral (
				select t.id::text as id, (select to_jsonb(v.*) from (select %s) v) as columns
				from integration.sync_match_rows r join %s t on t.connection_id = $1 and t.id = r.row_id
				where r.connection_id = $1 and r.run_id is null and r.kind = $2 and r.matched_by = p.matched_by and md5(r.matched_value) = md5(p.matched_value)
				order by t.id limit $4
			) r where p.seq = any($3) order by p.seq, r.id`, strings.Join(columns, ", "), postgres.TableOf(k.Table)),
			d.ConnectionID, k.Name, places[k.Name], candidates)
		if err != nil {
			return err
		}
		var place int64
		var c journal.Candidate
		if _, err := pgx.ForEachRow(rows, []any{&place, &c.RowID, &c.Columns}, func() error {
			byPlace[place].Candidates = append(byPlace[place].Candidates, c)
			c.Columns = map[string]json.RawMessage(nil)
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// doubt is what pages and rows have in common that are in doubt together.
type doubt struct {
	kind, value string
	by          journal.Criterion
}

// Settle says of a page which row it is, or that it is a record of its own; the next sync does it. What is left alone by that, pages or
// rows, are records of their own too. fault.NotFound: the page is not in doubt, and was not; fault.Conflict: somebody has decided
// already; fault.Invalid: it cannot be that row.
func (d Doubts) Settle(ctx context.Context, s journal.Settling) (done journal.Settlement, err error) {
	err = d.Pool.InTx(ctx, func(tx pgx.Tx) error {
		at, err := d.find(ctx, tx, s)
		if err != nil {
			return err
		}
		done.Kind = at.kind
		if s.RowID != "" {
			if err := d.take(ctx, tx, at, s.RowID); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `
			update integration.sync_match_pages set state = case when $4 = '' then 'new' else 'matched' end, row_id = nullif($4, '')::uuid,
				decided_by = $5, decided_at = $6, pending = true
			where connection_id = $1 and run_id is null and kind = $2 and notion_id = $3`,
			d.ConnectionID, at.kind, s.PageID, s.RowID, s.By, s.At); err != nil {
			return err
		}
		done.NewPages, done.NewRows, err = d.clear(ctx, tx, at, s)
		return err
	})
	return done, postgres.Fault(err)
}

// find locks the doubt about a page. Those about one value are settled one after the other.
func (d Doubts) find(ctx context.Context, tx pgx.Tx, s journal.Settling) (doubt, error) {
	var at doubt
	var state string
	var how, value *string
	err := tx.QueryRow(ctx, `
		select kind, state, matched_by, matched_value from integration.sync_match_pages
		where connection_id = $1 and run_id is null and notion_id = $2 and (state = 'doubtful' or decided_by is not null) for update`,
		d.ConnectionID, s.PageID).Scan(&at.kind, &state, &how, &value)
	if errors.Is(err, pgx.ErrNoRows) {
		return at, fault.New(fault.NotFound, "There is no doubt about a page %.50q. GET /sync/matches lists those that there is.", s.PageID)
	}
	if err == nil && state != "doubtful" {
		return at, fault.New(fault.Conflict, "Which row the page is has been decided already.")
	}
	if err != nil {
		return at, err
	}
	at.by, at.value = journal.Criterion(*how), *value
	_, err = tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended($1, 0))`, at.kind+" "+string(at.by)+" "+at.value)
	return at, err
}

// take takes a row out of those that are in doubt.
func (d Doubts) take(ctx context.Context, tx pgx.Tx, at doubt, rowID string) error {
	tag, err := tx.Exec(ctx, `
		delete from integration.sync_match_rows where connection_id = $1 and run_id is null and kind = $2 and row_id = $3 and matched_by = $4 and matched_value = $5`,
		d.ConnectionID, at.kind, rowID, at.by, at.value)
	if err == nil && tag.RowsAffected() == 0 {
		return fault.New(fault.Invalid, "The page cannot be the row %s: GET /sync/matches lists the rows that it may be.", rowID)
	}
	return err
}

// clear settles what nothing is left for: pages without a row that they may be, or rows without a page.
func (d Doubts) clear(ctx context.Context, tx pgx.Tx, at doubt, s journal.Settling) (newPages, newRows int, err error) {
	pages, err := tx.Exec(ctx, `
		update integration.sync_match_pages p set state = 'new', decided_by = $5, decided_at = $6, pending = true
		where connection_id = $1 and run_id is null and kind = $2 and matched_by = $3 and matched_value = $4 and state = 'doubtful' and not exists (
			select from integration.sync_match_rows r where r.connection_id = $1 and r.run_id is null and r.kind = $2 and r.matched_by = $3 and r.matched_value = $4
		)`, d.ConnectionID, at.kind, at.by, at.value, s.By, s.At)
	if err != nil {
		return 0, 0, err
	}
	rows, err := tx.Exec(ctx, `
		with free as (
			delete from integration.sync_match_rows r where connection_id = $1 and run_id is null and kind = $2 and matched_by = $3 and matched_value = $4 and not exists (
				select from integration.sync_match_pages p where p.connection_id = $1 and p.run_id is null and p.kind = $2 and p.matched_by = $3 and p.matched_value = $4 and p.state = 'doubtful'
			) returning row_id
		)
		insert into integration.sync_changes (connection_id, kind, row_id) select $1, $2, row_id from free`, d.ConnectionID, at.kind, at.by, at.value)
	return int(pages.RowsAffected()), int(rows.RowsAffected()), err
}
