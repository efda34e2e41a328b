//go:build !race

package oracle

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"
)

// bad draws a value that one side can hold and the other cannot; false where there is none for the field. Its field waits until somebody writes
// another.
func (a *arena) bad(t *rapid.T, mark, field string, on side) (text string, is bool) {
	next := a.model.next + 1
	var all []string
	switch {
	case on == notion && (field == "name" || field == "text"):
		all = []string{fmt.Sprintf("%s%d\x00", field, next)}
	case on == notion:
	case field == "number":
		all = []string{"NaN", "Infinity", fmt.Sprintf("%d1e400", next)}
	case field == "day":
		all = []string{"infinity", "-infinity", fmt.Sprintf("%d-01-01", 12000+next), fmt.Sprintf("%04d-03-15 BC", next)}
	case field == "moment":
		all = []string{"infinity", "-infinity", fmt.Sprintf("%d-01-01T00:00:00Z", 12000+next)}
	case field == "choice":
		all = []string{fmt.Sprintf("this, that%d", next), fmt.Sprintf("%d%s", next, strings.Repeat("x", 100))}
	case field == "link":
		all = []string{fmt.Sprintf("https://example.com/%d/%s", next, strings.Repeat("a", 2000))}
	case field == "stage":
		all = []string{fmt.Sprintf("unheard%d", next)}
	}
	all = slices.DeleteFunc(all, func(text string) bool { // one that is there already
		w := a.model.tokens[token{field, shownIn(mark, field, text)}]
		return w != nil && w.gone == 0
	})
	if len(all) == 0 {
		return "", false
	}
	text = rapid.SampledFrom(all).Draw(t, "bad")
	a.model.next = next
	a.model.step++
	as := token{field, shownIn(mark, field, text)}
	a.model.tokens[as] = &written{mark: mark, side: on, at: a.model.step, bad: true}
	a.model.drawn = append(a.model.drawn, as)
	a.model.spoilt[token{field, mark}] = true
	a.counts.bad++
	return text, true
}

// shownIn returns the token's text of what a row shows: values of which there is one only are of their record.
func shownIn(mark, field, text string) string {
	switch {
	case slices.Contains([]string{"NaN", "Infinity"}, text):
		return text + " of " + mark
	case strings.HasPrefix(strings.TrimPrefix(text, "-"), "infinity"): // of a moment, with its zone
		return strings.TrimSuffix(text, "Z") + " of " + mark
	case field == "number" && len(text) > 400: // beyond doubles
		return strings.TrimRight(text, "0") + "e400"
	}
	return canonical(field, text)
}

// isBad reports whether a value is one that the other side cannot hold.
func (m *model) isBad(mark, field, text string) bool {
	w := m.tokens[token{field, text}]
	return w != nil && w.mark == mark && w.bad
}

// bads returns the fields of a record that show such a value.
func (m *model) bads(mark string, values map[string][]string) map[string]bool {
	bad := map[string]bool{}
	for field, texts := range values {
		if slices.ContainsFunc(texts, func(text string) bool { return m.isBad(mark, field, text) }) {
			bad[field] = true
		}
	}
	return bad
}

// spoilt reports whether a live record shows such a value.
func (a *arena) spoilt(t *rapid.T) bool {
	n, p := a.views(t)
	for _, v := range []view{n, p} {
		for _, s := range v {
			if s.live && len(s.bad) > 0 {
				return true
			}
		}
	}
	return false
}

// mend has people write something else in the place of each such value.
func (a *arena) mend(t *rapid.T) {
	for _, p := range a.pages(t) {
		for field := range a.model.bads(p.mark, p.values) {
			if !p.trashed {
				a.model.replaced(p.mark, map[string][]string{field: p.values[field]})
				a.patch(t, p.id, map[string]any{"properties": byID(p, map[string]any{notionName(field): value(field, a.model.fresh(p.mark, field, notion))})})
			}
		}
	}
	for _, r := range a.rows(t) {
		for _, field := range slices.Sorted(maps.Keys(a.model.bads(r.mark, r.values))) {
			if !r.archived {
				a.model.replaced(r.mark, map[string][]string{field: r.values[field]})
				a.exec(t, "update things set "+a.columnName(field)+" = $2"+cast(field)+" where id = $1::text::uuid", r.id, a.mended(r.mark, field))
			}
		}
	}
}

// mended returns what a person writes into a column in the place of such a value; nil is nothing.
func (a *arena) mended(mark, field string) any {
	if !slices.Contains(a.writableOn(postgres), field) {
		return nil
	}
	text := a.model.fresh(mark, field, postgres)
	if field == "moment" {
		text += ":00Z"
	}
	return text
}

// waiting says which fields wait that need not, and which do not although they should: a value that cannot pass keeps its own field waiting, and
// nothing else.
func (a *arena) waiting(t *rapid.T, n, p view) []string {
	var should []string
	for mark, s := range p {
		if !s.live || !n[mark].live {
			continue
		}
		for _, field := range a.scalar() {
			if s.bad[field] || n[mark].bad[field] {
				should = append(should, mark+" "+field)
			}
		}
	}
	found, err := a.person.Query(context.Background(), `
		select coalesce(r.mark, '') || ' ' || coalesce(f, 'as a whole: ' || e.reason) from integration.sync_errors e
		left join things r on r.id = e.row_id left join lateral jsonb_object_keys(e.fields) f on true where r.archived_at is null`)
	if err != nil {
		t.Fatal(err)
	}
	do, err := pgx.CollectRows(found, pgx.RowTo[string])
	for i := range do {
		mark, field, _ := strings.Cut(do[i], " ")
		do[i] = mark + " " + a.fieldOf(field)
	}
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(should)
	slices.Sort(do)
	if slices.Equal(should, do) {
		return nil
	}
	return []string{fmt.Sprintf("these wait: %q, and should: %q", do, should)}
}

// differences says in what both sides and the base differ, but for the fields that wait.
func (a *arena) differences(t *rapid.T, n, p view) []string {
	all := a.world.Differences(t)
	for _, page := range a.pages(t) {
		for _, field := range a.scalar() {
			if n[page.mark].bad[field] || p[page.mark].bad[field] {
				all = slices.DeleteFunc(all, func(d string) bool { return strings.HasPrefix(d, "things: page "+page.id+": "+a.columnName(field)+" ") })
			}
		}
	}
	return all
}
