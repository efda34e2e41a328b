package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/internal/sample"
	"github.com/act-platform/enhanced-integration/shared/internal/sidetest"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// TestAUniqueValueThatIsSwapped: rows that pass a unique value on to each other take theirs in one run, in whatever order the pages come.
func TestAUniqueValueThatIsSwapped(t *testing.T) {
	t.Parallel()
	indexes := map[string]string{
		"a column":               `alter table partners add unique (description)`,
		"not null":               `update partners set description = id::text where description is null; alter table partners alter description set not null, add unique (description)`,
		"deferrable":             `alter table partners add unique (description) deferrable`,
		"whatever the case":      `create unique index on partners (lower(description))`,
		"two columns":            `alter table partners add unique (featured, description)`,
		"those that live":        `create unique index on partners (description) where archived_at is null`,
		"short, and not null":    `update partners set description = name where description is null; alter table partners alter description type varchar(9), alter description set not null, add unique (description)`,
		"an exclusion":           `alter table partners add exclude (description with =)`,
		"a check wants a value":  `update partners set description = id::text where description is null; alter table partners add unique (description), add check (description is not null)`,
		"a check wants a form":   `update partners set description = id::text where description is null; alter table partners alter description set not null, add unique (description), add check (description ~ '[a-z0-9]$' and length(description) <> 32)`,
		"nulls are not distinct": `update partners set description = id::text where description is null; alter table partners add unique nulls not distinct (description)`,
	}
	moves := map[string]struct{ from, to string }{
		"two":               {"a,b,x", "b,a,x"},
		"three":             {"a,b,c", "b,c,a"},
		"a chain":           {"a,b,c", "b,c,d"},
		"a chain backwards": {"a,b,c", "z,a,b"},
	}
	for index, sql := range sample.Of(indexes) {
		t.Run(index, func(t *testing.T) {
			t.Parallel()
			w := newKin(t)
			var pages []string
			for i := range 3 {
				pages = append(pages, w.create("partners", fmt.Sprint("unique ", i), map[string]any{"Description": rich("rich_text", fmt.Sprint("first ", i))}))
			}
			succeeded(t, w.Sync(t, journal.Full, "partners"))
			for statement := range strings.SplitSeq(sql, ";") {
				w.Exec(t, statement)
			}
			succeeded(t, w.Sync(t, journal.Full, "partners"))
			for name, move := range moves {
				for round, values := range []string{"1,2,3", move.from, move.to} {
					for i, value := range strings.Split(values, ",") {
						edit(t, w.World, pages[i], map[string]any{"Description": rich("rich_text", value)})
					}
					if r := w.Sync(t, journal.Full, "partners"); r.Status != "succeeded" || r.Counts.Errors > 0 {
						t.Errorf("%s, %d: %+v", name, round, r)
					}
				}
				if got := sidetest.Query[string](t, w.World, `select string_agg(description, ',' order by name) from partners where name like 'unique %'`); got != move.to {
					t.Errorf("%s: %s", name, got)
				}
				w.Agree(t, "partners")
			}
		})
	}
}

// TestADayThatIsSwapped: of a column that has to have a value of its own, and is no text.
func TestADayThatIsSwapped(t *testing.T) {
	t.Parallel()
	for column, sql := range sample.Of(map[string]string{
		"day": `update things set day = '2025-01-01'::date + 1000 * (select count(*)::int from things o where o.id < things.id) where day is null;
			alter table things alter day set not null, add unique (day)`,
		"moment": `update things set moment = '2025-01-01'::date + interval '1 day' * (select count(*) from things o where o.id < things.id) where moment is null;
			alter table things alter moment set not null, add unique (moment)`,
		"days that may not overlap": `alter table things add exclude using gist (daterange(day, day + 1) with &&) where (day is not null)`,
	}) {
		t.Run(column, func(t *testing.T) {
			t.Parallel()
			on := func(day string) map[string]any {
				date := map[string]any{"date": map[string]any{"start": day}}
				return map[string]any{"Day": date, "Moment": map[string]any{"date": map[string]any{"start": day + "T10:00:00Z"}}}
			}
			w, first := aThing(t, on("2026-01-01"))
			second := newThing(t, w, on("2026-01-02"))
			syncLater(t, w)
			for statement := range strings.SplitSeq(sql, ";") {
				w.Exec(t, statement)
			}
			syncLater(t, w)
			edit(t, w, first, on("2026-01-02"))
			edit(t, w, second, on("2026-01-01"))
			settles(t, w)
			w.Agree(t)
		})
	}
}

// newPartner makes a partner's page as a person.
func newPartner(t *testing.T, w *sidetest.World, name, location string) string {
	t.Helper()
	return w.Person(t, "POST", "/v1/pages", map[string]any{
		"parent":     map[string]any{"type": "database_id", "database_id": w.Sim.Databases()["partners"]},
		"properties": map[string]any{"Name": rich("title", name), "Location": rich("rich_text", location)},
	})["id"].(string)
}

// TestAUniqueValueOfAnotherBatch: whoever has the value gives it up in the same run, be it in another batch, or by being deleted.
func TestAUniqueValueOfAnotherBatch(t *testing.T) {
	t.Parallel()
	w := sidetest.New(t, nil, "partners")
	if err := w.Sim.SetOptions(func(o *notionsim.Options) { o.Budget = 100_000 }); err != nil {
		t.Fatal(err)
	}
	first := newPartner(t, w, "unique 1", "a")
	if _, err := w.Sim.Grow(map[string]int{"partners": 130}, 1); err != nil {
		t.Fatal(err)
	}
	last, gone := newPartner(t, w, "unique 2", "b"), newPartner(t, w, "unique 3", "c")
	w.Exec(t, `create unique index on partners (location) where name like 'unique %' and archived_at is null`)
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	edit(t, w, first, map[string]any{"Location": rich("rich_text", "b")})
	edit(t, w, last, map[string]any{"Location": rich("rich_text", "a")})
	w.Sync(t, journal.Full, "partners")
	if got := sidetest.Query[string](t, w, `select string_agg(location, ',' order by name) from partners where name like 'unique %'`); got != "b,a,c" {
		t.Errorf("the rows have %s", got)
	}
	edit(t, w, first, map[string]any{"Location": rich("rich_text", "c")})
	w.Person(t, "PATCH", "/v1/pages/"+gone, map[string]any{"in_trash": true})
	w.Sync(t, journal.Full, "partners")
	if got := sidetest.Query[string](t, w, `select string_agg(location, ',' order by name) from partners where name like 'unique %' and archived_at is null`); got != "c,a" {
		t.Errorf("the rows have %s", got)
	}
	if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_errors`); n > 0 {
		t.Errorf("%d records are set aside", n)
	}
	w.Agree(t, "partners")
}

// TestAUniqueValueThatSomebodyKeeps is refused, and no other for it.
func TestAUniqueValueThatSomebodyKeeps(t *testing.T) {
	t.Parallel()
	w := sidetest.New(t, nil, "partners")
	a, b := newPartner(t, w, "unique 1", "a"), newPartner(t, w, "unique 2", "b")
	newPartner(t, w, "unique 3", "c")
	c := newPartner(t, w, "unique 4", "d")
	w.Exec(t, `create unique index on partners (location) where name like 'unique %'`)
	succeeded(t, w.Sync(t, journal.Full, "partners"))
	for page, value := range map[string]string{a: "b", b: "a", c: "c"} {
		edit(t, w, page, map[string]any{"Location": rich("rich_text", value)})
	}
	w.Sync(t, journal.Full, "partners")
	if got := sidetest.Query[string](t, w, `select string_agg(location, ',' order by name) from partners where name like 'unique %'`); got != "b,a,c,d" {
		t.Errorf("the rows have %s", got)
	}
	if n := sidetest.Query[int](t, w, `select count(*) from integration.sync_errors`); n != 1 {
		t.Errorf("%d records are set aside", n)
	}
}
