package records

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

// A value that has to be unique may still be held by a row that gives it up in the same batch: two records that swap, a longer cycle, or a
// holder that is archived. One after the other each is refused. So where Postgres refuses one for that, those that write such a value are
// tried together: behind a savepoint their values are first put out of the way, which nobody else ever sees, and then each takes its own.

// What Postgres says of a value that another row holds, and of one that a check, or a trigger, does not let in.
const (
	uniqueViolation    = "23505"
	exclusionViolation = "23P01"
	checkViolation     = "23514"
	raised             = "P0001"
)

// takenBy returns the unique index, or the index of the exclusion constraint, by which Postgres refused a record of the kind's table; "" where it
// refused for another reason.
func (t *Tables) takenBy(err error) string {
	refused, is := errors.AsType[*pgconn.PgError](err)
	if is && (refused.Code == uniqueViolation || refused.Code == exclusionViolation) && refused.TableName == t.kind.Table {
		return refused.ConstraintName
	}
	return ""
}

// learnPassing notes by which unique index Postgres refused a record, and reports whether nobody knew.
func (t *Tables) learnPassing(err error) bool {
	index := t.takenBy(err)
	if _, known := t.passing[index]; known || index == "" {
		return false
	}
	if t.passing == nil {
		t.passing = map[string][]indexed{}
	}
	t.passing[index] = nil // its columns are looked up where they are needed
	return true
}

// applyPassing applies records, and has those that pass a unique value on to each other do so. One whose value somebody outside the batch
// holds is refused, and no other for it.
func (t *Tables) applyPassing(ctx context.Context, tx pgx.Tx, settled []journal.Settled, at time.Time) ([]result, error) {
	if len(t.passing) == 0 {
		return t.apply(ctx, tx, settled, at)
	}
	results, err := t.behind(ctx, tx, settled, at)
	if _, known := t.passing[t.takenBy(err)]; !known {
		return results, err
	}
	if err := t.lookUpIndexes(ctx, tx); err != nil {
		return nil, err
	}
	results = make([]result, len(settled))
	var rest, group []int
	for i, s := range settled {
		if t.passes(s) {
			group = append(group, i)
		} else {
			rest = append(rest, i)
		}
	}
	applied, err := t.apply(ctx, tx, pick(settled, rest), at) // those that give a value up by being archived among them
	if err != nil {
		return nil, err
	}
	for i, place := range rest {
		results[place] = applied[i]
	}
	for len(group) > 0 {
		if group, err = t.applyAside(ctx, tx, settled, group, results, at); err != nil {
			return nil, err
		}
	}
	return results, nil
}

func pick(settled []journal.Settled, places []int) []journal.Settled {
	picked := make([]journal.Settled, len(places))
	for i, place := range places {
		picked[i] = settled[place]
	}
	return picked
}

// passes reports whether a record takes a value that has to be unique.
func (t *Tables) passes(s journal.Settled) bool {
	if s.Row.Op == merge.Create || s.Row.Op == merge.Restore {
		return true
	}
	for _, columns := range t.passing {
		for _, c := range columns {
			if _, writes := s.Row.Fields[c.column]; writes {
				return true
			}
		}
	}
	return false
}

// behind applies records behind a savepoint.
func (t *Tables) behind(ctx context.Context, tx pgx.Tx, settled []journal.Settled, at time.Time) (results []result, err error) {
	err = pgx.BeginFunc(ctx, tx, func(save pgx.Tx) error {
		results, err = t.apply(ctx, save, settled, at)
		return err
	})
	return results, err
}

// applyAside puts the values of a group out of the way, and applies the group. Where Postgres refuses some even so, they are noted, nothing is
// applied, and the others are given back to be tried again.
func (t *Tables) applyAside(ctx context.Context, tx pgx.Tx, settled []journal.Settled, group []int, results []result, at time.Time) (again []int, err error) {
	save, err := tx.Begin(ctx)
	if err != nil {
		return nil, err
	}
	members := pick(settled, group)
	if err := t.putAsideSomehow(ctx, save, members); err != nil {
		return nil, errors.Join(err, save.Rollback(ctx))
	}
	applied, err := t.behind(ctx, save, members, at)
	if err == nil {
		for i, place := range group {
			results[place] = applied[i]
		}
		return nil, save.Commit(ctx)
	}
	if t.takenBy(err) == "" {
		return nil, errors.Join(err, save.Rollback(ctx))
	}
	for i, place := range group {
		one, err := t.behind(ctx, save, members[i:i+1], at)
		switch {
		case t.takenBy(err) != "":
			results[place] = result{refused: fault.Message(postgres.Fault(err)), taken: true}
			continue
		case err != nil:
			return nil, errors.Join(err, save.Rollback(ctx))
		}
		results[place] = one[0]
		again = append(again, place)
	}
	if len(again) == len(group) {
		return nil, save.Commit(ctx)
	}
	return again, save.Rollback(ctx)
}

// putAsideSomehow puts values out of the way by the first of the other values that the table lets in: a check may want one at all, or one of a form.
func (t *Tables) putAsideSomehow(ctx context.Context, tx pgx.Tx, members []journal.Settled) (err error) {
	for way := range ways {
		err = pgx.BeginFunc(ctx, tx, func(save pgx.Tx) error { return t.putAside(ctx, save, members, way) })
		refused, is := errors.AsType[*pgconn.PgError](err)
		if !is || refused.Code != checkViolation && refused.Code != raised && t.takenBy(err) == "" {
			return err
		}
	}
	return err
}

// putAside puts out of the way what the records are about to give up, and gives their rows' versions since to the records. Only a column that a
// record is about to write is touched.
func (t *Tables) putAside(ctx context.Context, tx pgx.Tx, members []journal.Settled, way int) error {
	parts := map[string][]int{}
	for i, s := range members {
		if s.Row.Op == merge.Create || s.Was == nil {
			continue
		}
		for _, columns := range t.passing {
			at := slices.IndexFunc(columns, func(c indexed) bool { _, writes := s.Row.Fields[c.column]; return writes })
			if at < 0 {
				continue
			}
			set := pgx.Identifier{columns[at].column}.Sanitize() + " = " + columns[at].values[way]
			if !slices.Contains(parts[set], i) {
				parts[set] = append(parts[set], i)
			}
		}
	}
	for _, set := range slices.Sorted(maps.Keys(parts)) {
		places := map[string]int{}
		var ids, versions []string
		for _, i := range parts[set] {
			places[members[i].Key.RowID] = i
			ids, versions = append(ids, members[i].Key.RowID), append(versions, members[i].Was.Version)
		}
		rows, err := tx.Query(ctx, fmt.Sprintf(`
			update %s r set %s from unnest($2::uuid[], $3::text[]) with ordinality x (id, version, place)
			where r.connection_id = $1 and r.id = x.id and r.xmin::text = x.version returning r.id::text, r.xmin::text`,
			postgres.TableOf(t.kind.Table), set), t.connectionID, ids, versions)
		if err != nil {
			return err
		}
		var id, version string
		if _, err := pgx.ForEachRow(rows, []any{&id, &version}, func() error {
			was := *members[places[id]].Was
			was.Version = version
			members[places[id]].Was = &was
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// lookUpIndexes looks up the columns of the unique indexes of which nobody knows them yet.
func (t *Tables) lookUpIndexes(ctx context.Context, tx pgx.Tx) error {
	for index, columns := range t.passing {
		if columns != nil {
			continue
		}
		found, err := t.indexedBy(ctx, tx, index)
		if err != nil {
			return err
		}
		t.passing[index] = found
	}
	return nil
}

// ways is how many values an indexed column has.
const ways = 3

// indexed is a column of a unique index, and the SQL of values that no row has, for row place of those that are updated: the plainest, one that is
// not null, and one that ends as the row's own does.
type indexed struct {
	column string
	values []string
}

// indexedBy returns the columns of a unique index that can be put out of the way, those that may be null first. Of an index of expressions they are
// the columns that the expressions name.
func (t *Tables) indexedBy(ctx context.Context, tx pgx.Tx, index string) ([]indexed, error) {
	table := postgres.TableOf(t.kind.Table)
	rows, err := tx.Query(ctx, `
		select attname, array[coalesce(plain, other), coalesce(other, plain), coalesce(alike, other, plain)] from (
			select a.attname, a.attnotnull, a.attnum,
				case when not a.attnotnull and not coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) then 'null' end as plain,
				case
					when y.typcategory = 'S' then format('left(replace(gen_random_uuid()::text, ''-'', ''''), %s)', case when a.atttypmod > 4 then a.atttypmod - 4 else 32 end)
					when y.typcategory = 'N' then format('(select coalesce(max(%I), 0) from '||$1::regclass||') + x.place', a.attname)
					when a.atttypid in ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
						then format('(select max(%1$I) filter (where isfinite(%1$I)) from '||$1::regclass||') + make_interval(days => x.place::int)', a.attname)
					when a.atttypid = 'uuid'::regtype then 'gen_random_uuid()' end as other,
				case when y.typcategory = 'S'
					then format('right(replace(gen_random_uuid()::text, ''-'', '''') || r.%I, %s)', a.attname, case when a.atttypmod > 4 then a.atttypmod - 4 else 1000000 end) end as alike
			from pg_index i join pg_class c on c.oid = i.indexrelid
			join pg_attribute a on a.attrelid = i.indrelid and a.attgenerated = '' and a.attidentity <> 'a' and (
				a.attnum = any(i.indkey[0:i.indnkeyatts - 1])
				or 0 = any(i.indkey[0:i.indnkeyatts - 1]) and exists (
					select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
					and d.refclassid = 'pg_class'::regclass and d.refobjid = i.indrelid and d.refobjsubid = a.attnum))
			join pg_type y on y.oid = a.atttypid
			where i.indrelid = $1::regclass and c.relname = $2) v
		where coalesce(plain, other) is not null
		order by attnotnull, attnum`, table, index)
	if err != nil {
		return nil, postgres.Fault(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c indexed, err error) {
		err = row.Scan(&c.column, &c.values)
		return c, err
	})
	usable := []indexed{}
	for _, c := range found {
		if _, mapped := t.kind.Field(c.column); mapped {
			usable = append(usable, c)
		}
	}
	return usable, postgres.Fault(err)
}
