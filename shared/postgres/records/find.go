package records

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// Look loads one Known a key, in their order: the record of the page, else the one of the row.
func (t *Tables) Look(ctx context.Context, keys []journal.Key) ([]journal.Known, error) {
	if err := t.open(ctx); err != nil {
		return nil, err
	}
	pages, rows := make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		pages[i], rows[i] = k.PageID, k.RowID
	}
	found, err := t.pool.Query(ctx, t.sql.look, t.connectionID, pages, rows, t.kind.Name, t.runID)
	if err != nil {
		return nil, postgres.Fault(err)
	}
	known, err := pgx.CollectRows(found, scanKnown)
	return known, postgres.Fault(err)
}

func scanKnown(row pgx.CollectableRow) (journal.Known, error) {
	var k journal.Known
	var base struct {
		id, pageID, state *string
		document          json.RawMessage
		columns           map[string]json.RawMessage
		version           *int64
		exact             *bool
	}
	var local struct {
		id, version, state *string
		columns            map[string]json.RawMessage
	}
	var related struct {
		Asleep map[string]record.State `json:"asleep"`
		Moved  map[string]string       `json:"moved"`
	}
	var changedAt *time.Time
	if err := row.Scan(&k.Key.PageID, &k.Key.RowID,
		&base.id, &base.pageID, &base.state, &base.document, &base.columns, &base.version, &base.exact,
		&local.id, &local.version, &local.state, &local.columns, &related,
		&k.Changes, &changedAt, &k.Refused, &k.RefusedFor, &k.Waits, &k.Verdict, &k.Disputes, &k.Aside, &k.Match); err != nil {
		return k, err
	}
	k.Asleep, k.Moved = related.Asleep, related.Moved
	if base.id != nil {
		k.Base = &record.Base{
			ID: *base.id, PageID: *base.pageID, State: record.State(*base.state),
			Document: base.document, Columns: base.columns, Version: *base.version, Exact: *base.exact,
		}
	}
	if local.id != nil {
		k.Row = &record.Row{ID: *local.id, Version: *local.version, State: record.State(*local.state), Columns: local.columns}
		if changedAt != nil {
			k.Row.ChangedAt = *changedAt
		}
	}
	return k, nil
}

// Changed returns the next records that somebody changed, in the order of their changes, and the last change among them;
// without those whose deletion waits to be decided.
func (t *Tables) Changed(ctx context.Context, after int64, limit int) (rowIDs []string, last int64, err error) {
	rows, err := t.pool.Query(ctx, t.sql.changed, t.connectionID, t.kind.Name, after, limit, t.runID)
	if err != nil {
		return nil, 0, postgres.Fault(err)
	}
	last = after
	var id string
	var seq int64
	_, err = pgx.ForEachRow(rows, []any{&id, &seq}, func() error {
		rowIDs, last = append(rowIDs, id), max(last, seq)
		return nil
	})
	return rowIDs, last, postgres.Fault(err)
}

// Left returns how many records Changed still has to give.
func (t *Tables) Left(ctx context.Context, after int64) (left int, err error) {
	err = t.pool.QueryRow(ctx, `select count(*) from (`+t.sql.changed+`) every`, t.connectionID, t.kind.Name, after, math.MaxInt32, t.runID).Scan(&left)
	return left, postgres.Fault(err)
}

// Due returns records that were refused and are to be tried again.
func (t *Tables) Due(ctx context.Context, at time.Time, limit int) ([]journal.Key, error) {
	rows, err := t.pool.Query(ctx, `
		select coalesce(notion_id, ''), row_id::text from integration.sync_errors
		where connection_id = $1 and kind = $2 and next_attempt_at <= $3 order by next_attempt_at, row_id limit $4`,
		t.connectionID, t.kind.Name, at, limit)
	if err != nil {
		return nil, postgres.Fault(err)
	}
	return collectKeys(rows)
}

// Waiting returns records whose rows were locked by somebody else, the longest waiting first.
func (t *Tables) Waiting(ctx context.Context, limit int) ([]journal.Key, error) {
	rows, err := t.pool.Query(ctx, `
		select coalesce(notion_id, ''), row_id::text from integration.sync_errors where connection_id = $1 and kind = $2 and waits order by last_at, row_id limit $3`,
		t.connectionID, t.kind.Name, limit)
	if err != nil {
		return nil, postgres.Fault(err)
	}
	return collectKeys(rows)
}

// Absent returns live records that neither shown names nor the whole listing of the run has shown, by the row's id, after the given
// one.
func (t *Tables) Absent(ctx context.Context, runID string, shown []string, after string, limit int) ([]journal.Key, error) {
	if after == "" {
		after = uuid.Nil.String()
	}
	if shown == nil {
		shown = []string{}
	}
	rows, err := t.pool.Query(ctx, t.sql.absent, t.connectionID, after, shown, runID, t.kind.Name, limit)
	if err != nil {
		return nil, postgres.Fault(err)
	}
	return collectKeys(rows)
}

// Named returns live records that have one of the options under its old name, or may have it in an open conflict, by the row's id, after the given one.
func (t *Tables) Named(ctx context.Context, renames []mapping.Rename, after string, limit int) ([]journal.Key, error) {
	if after == "" {
		after = uuid.Nil.String()
	}
	names := make([]string, len(renames))
	for i, r := range renames {
		names[i] = r.Was
	}
	rows, err := t.pool.Query(ctx, t.sql.named, t.connectionID, after, names, limit, t.kind.Name)
	if err != nil {
		return nil, postgres.Fault(err)
	}
	return collectKeys(rows)
}

func collectKeys(rows pgx.Rows) ([]journal.Key, error) {
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[journal.Key])
	return keys, postgres.Fault(err)
}

// look reads what is known of records by their pages and rows: base, row, changes, refusal, hold, disputes, and where a match is open.
func (n naming) look() string {
	return fmt.Sprintf(`
		select coalesce(b.notion_id, m.notion_id, k.page_id), coalesce(b.id, m.row_id, k.row_id)::text,
			b.id::text, b.notion_id, b.state, b.data, b.row_data, b.sync_version, b.exact,
			r.id, r.version, r.state, r.columns, %[5]s,
			coalesce(c.seqs, '{}'), coalesce(c.changed_at, case when b.id is null and isfinite(r.updated_at) then r.updated_at end), coalesce(e.attempts, 0), coalesce(e.reason, ''), coalesce(e.fields, '{}'),
			coalesce(h.status, ''), coalesce(p.disputes, '[]'),
			coalesce(m.state = 'doubtful', false) or b.id is null and exists (
				select from integration.sync_match_rows d where d.connection_id = $1 and d.kind = $4 and d.row_id = coalesce(m.row_id, k.row_id)
				and d.state = 'doubtful' and %[6]s
			) or %[8]s or exists (
				select from integration.sync_row_id_changes v where v.connection_id = $1 and v.kind = $4
				and (v.old_id = coalesce(b.id, m.row_id, k.row_id) or v.new_id = coalesce(b.id, m.row_id, k.row_id))
			),
			case when b.id is null and m.row_id is not null then m.matched_by else '' end
		from unnest($2::text[], $3::uuid[]) with ordinality as k(page_id, row_id, place)
		left join lateral (
			select * from integration.sync_match_pages m
			where m.connection_id = $1 and m.kind = $4 and (m.notion_id = k.page_id or k.page_id = '' and m.row_id = k.row_id) and %[7]s
			and not exists (select from %[1]s o where o.connection_id = $1 and o.id = m.row_id and o.notion_id <> m.notion_id)
			order by m.run_id nulls last limit 1
		) m on true
		left join lateral (
			select * from %[1]s where connection_id = $1 and (notion_id = k.page_id or id = coalesce(m.row_id, k.row_id))
			order by notion_id = k.page_id desc limit 1
		) b on true
		left join lateral (
			select r.id, r.version, r.state, r.columns || %[4]s as columns, r.updated_at
			from (select %[3]s, r.updated_at from %[2]s r where r.connection_id = $1 and r.id = coalesce(b.id, m.row_id, k.row_id))
				as r(id, version, state, columns, updated_at)
			limit 1 -- there is one at most; so that it is looked up for each, and not all of them for all
		) r on true
		left join lateral (
			select array_agg(seq order by seq) as seqs, max(changed_at) filter (where isfinite(changed_at)) as changed_at from integration.sync_changes
			where connection_id = $1 and kind = $4 and row_id = coalesce(b.id, m.row_id, k.row_id)
		) c on true
		left join integration.sync_errors e on e.connection_id = $1 and e.kind = $4 and e.row_id = coalesce(b.id, m.row_id, k.row_id)
		left join integration.sync_held_records hr on hr.connection_id = $1 and hr.kind = $4 and hr.row_id = coalesce(b.id, m.row_id, k.row_id)
		left join integration.sync_holds h on h.id = hr.hold_id
		left join lateral (
			select jsonb_agg(jsonb_build_object('id', id, 'field', field, 'decided', status = 'decided', 'decided_at', decided_at, 'winner', winner,
				'value', decision, 'property', decided_property, 'shown', notion_property, 'notion', notion_value, 'postgres', supabase_value)) as disputes
			from integration.sync_conflicts where connection_id = $1 and kind = $4 and row_id = coalesce(b.id, m.row_id, k.row_id) and status in ('waiting', 'decided')
		) p on true
		order by k.place`, n.base, n.table, n.row, related(n.relations), asleep(n.relations), n.scope.rows, n.scope.pages, n.scope.told)
}

// absent finds the live records whose pages a run has not been shown, and whose deletion does not wait for a person.
func (n naming) absent() string {
	return fmt.Sprintf(`
		select notion_id, id::text from %s b
		where connection_id = $1 and state = 'live' and id > $2 and notion_id <> all($3::text[])
		and b.notion_id not in (`+seen("$4", "$5")+`)
		and not exists (`+heldAs+` and h.status = 'waiting')
		order by id limit $6`, n.base, "$5", "b.id")
}

// named finds the live records whose pages have options of some names, or of which a conflict is open.
func (n naming) named() string {
	return fmt.Sprintf(`
		select notion_id, id::text from %s
		where connection_id = $1 and state = 'live' and id > $2
		and (jsonb_path_exists(data, '$.properties.*.* ? (@.name == $names[*])', jsonb_build_object('names', $3::text[]))
			or id in (select row_id from integration.sync_conflicts where connection_id = $1 and kind = $5 and status in ('waiting', 'decided')))
		order by id limit $4`, n.base)
}

// changed finds the rows that were changed after a change. A record whose deletion waits comes up again once its row lives.
func (n naming) changed() string {
	return fmt.Sprintf(`
		select row_id::text, max(seq) from (
			select row_id, seq from integration.sync_changes c where connection_id = $1 and kind = $2 and seq > $3
			and not exists (`+heldAs+` and h.status = 'waiting'
				and not exists (select from %[1]s r where r.connection_id = $1 and r.id = c.row_id and r.archived_at is null))
			%[4]s order by seq limit $4
		) next group by row_id order by min(seq)`, n.table, "$2", "c.row_id", n.scope.unchanged)
}
