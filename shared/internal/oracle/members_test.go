//go:build !race

package oracle

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"
)

// member is an element of a record's set: a person, or a record that it links to.
type member struct {
	mark, field, element string
}

// membership is what people did with a member.
type membership struct {
	in bool // what the last of them meant
	// since the last clean sync:
	sides map[side]int  // who did something with it, and when last
	meant map[bool]bool // what they meant
	// loose: people on both sides meant different things without knowing of each other, so that it may be in or not.
	loose bool
}

// mean notes that a person put a member in, or took it out.
func (m *model) mean(who member, on side, in bool) {
	m.step++
	s := m.members[who]
	if s == nil {
		s = &membership{sides: map[side]int{}, meant: map[bool]bool{}}
		m.members[who] = s
	}
	s.in, s.sides[on], s.meant[in] = in, m.step, true
	s.loose = s.loose || len(s.sides) > 1 && len(s.meant) > 1
	if other := m.records[who.element]; who.field == "links" && other != nil && other.deleted {
		s.loose = true // once it is in the trash, Notion hides the link from whoever has not seen it yet, and a write of the others drops it
	}
	m.touch(who.mark)
}

// race notes that the sync overwrote a record's set, which it had last read at that step.
func (m *model) race(mark, field string, seen int) {
	for who, s := range m.members {
		if who.mark == mark && who.field == field && s.sides[notion] > seen {
			s.loose = true
		}
	}
}

// uproot notes that a record was deleted: what was just done with its members may not have reached the other side, and may not be
// there to do so any more.
func (m *model) uproot(mark string) {
	for who, s := range m.members {
		if (who.mark == mark || who.field == "links" && who.element == mark) && len(s.sides) > 0 {
			s.loose = true
		}
	}
}

// erased notes that what a side showed of a record was deleted for good, live or not: what that side alone had of it goes with it.
func (m *model) erased(mark string, shown map[string][]string) {
	m.replaced(mark, shown)
	m.uproot(mark)
}

// rest notes that both sides have heard of everything, and hold what these views show. What only one of them shows is still on its way:
// it waits for a page that this sync was the first to make, or is a link that was hidden until this sync took a page out of the trash.
func (m *model) rest(n, p view) {
	for _, l := range m.records {
		l.touched = false
	}
	for who, s := range m.members {
		in := n[who.mark].has(who.field, who.element)
		if !m.seen(who, n) || !m.seen(who, p) || in != p[who.mark].has(who.field, who.element) {
			if l := m.records[who.mark]; l != nil && len(s.sides) > 0 {
				l.touched = true
			}
			continue
		}
		s.sides, s.meant = map[side]int{}, map[bool]bool{}
		if s.loose {
			s.in, s.loose = in, false
		}
	}
}

// seen reports whether a side shows whether a member is in. Where there are two records of a mark it does not: the link may be of either.
func (m *model) seen(who member, v view) bool {
	only := func(mark string) bool { return v[mark].live && v[mark].count == 1 }
	return only(who.mark) && (who.field != "links" || only(who.element))
}

// belong says which members are in that should not be, or are not in that should, or are in on one side only.
func (m *model) belong(n, p view) []string {
	var wrong []string
	for who, s := range m.members {
		if !m.seen(who, n) || !m.seen(who, p) {
			continue
		}
		inNotion, inPostgres := n[who.mark].has(who.field, who.element), p[who.mark].has(who.field, who.element)
		if inNotion != inPostgres || !s.loose && inNotion != s.in {
			wrong = append(wrong, fmt.Sprintf("%+v is in %+v; in Notion %t, in Postgres %t", who, *s, inNotion, inPostgres))
		}
	}
	slices.Sort(wrong)
	return wrong
}

// mentions returns a text that names more dates than a page shows, as Notion takes it and as it reads. The text stands for its token.
func (a *arena) mentions(text string) (property any, reads string) {
	runs := rich(text + " ")
	reads = text + " "
	for day := range 30 {
		date := fmt.Sprintf("2026-01-%02d", day+1)
		runs = append(runs, map[string]any{"type": "mention", "mention": map[string]any{"date": map[string]any{"start": date}}})
		reads += date
	}
	a.model.tokens[token{"text", reads}] = a.model.tokens[token{"text", text}]
	delete(a.model.tokens, token{"text", text})
	return map[string]any{"rich_text": runs}, reads
}

// flip draws a member to put in, or to take out, and gives the set that follows. The model learns it then.
func (a *arena) flip(t *rapid.T, who, field string, now, all []string, on side, then func(func())) []string {
	element := rapid.SampledFrom(all).Draw(t, field)
	next := slices.DeleteFunc(slices.Clone(now), func(e string) bool { return e == element })
	in := len(next) == len(now)
	if in {
		next = append(next, element)
	}
	then(func() { a.model.mean(member{who, field, element}, on, in) })
	return next
}

func (a *arena) namePeopleOnPage(t *rapid.T) {
	p, ok := pick(t, a.pages(t), "page", func(p page) bool { return !p.trashed })
	if !ok {
		return
	}
	ids := a.flip(t, p.mark, "people", p.values["people"], a.users[:3], notion, atOnce)
	people := make([]any, len(ids))
	for i, id := range ids {
		people[i] = map[string]any{"id": id}
	}
	a.patch(t, p.id, map[string]any{"properties": byID(p, map[string]any{"People": map[string]any{"people": people}})})
}

func (a *arena) namePeopleInRow(t *rapid.T, d desk) {
	if r, ok := pick(t, d.rows, "row", func(r row) bool { return !r.archived }); ok {
		ids := a.flip(t, r.mark, "people", r.values["people"], a.users[:3], postgres, d.then)
		d.hold(r)
		d.exec(t, `update things set people = $2 where id = $1::text::uuid`, r.id, ids)
	}
}

// linkPage links a page to another, or unlinks it, at either end. Whoever writes a whole list would take out what is in the trash,
// which a person at work in Notion does not: pages that may be linked to such are left alone.
func (a *arena) linkPage(t *rapid.T) {
	all := a.pages(t)
	trashed := map[string]bool{}
	for _, p := range all {
		trashed[p.mark] = trashed[p.mark] || p.trashed
	}
	hides := map[string]bool{}
	for who := range a.model.members {
		if who.field == "links" {
			hides[who.mark] = hides[who.mark] || trashed[who.element]
			hides[who.element] = hides[who.element] || trashed[who.mark]
		}
	}
	live := func(p page) bool { return !p.trashed && !hides[p.mark] }
	from, ok := pick(t, all, "page", live)
	if !ok {
		return
	}
	to, _ := pick(t, all, "other", live)
	who := member{from.mark, "links", to.mark}
	in := !slices.Contains(from.refs["links"], to.id)
	a.model.mean(who, notion, in)
	page, property, field, other := from, "Links", "links", to.id
	if rapid.Bool().Draw(t, "at the other end") {
		page, property, field, other = to, "Linked by", "linked by", from.id
	}
	var refs []any
	for _, id := range page.refs[field] {
		if id != other {
			refs = append(refs, map[string]any{"id": id})
		}
	}
	if in {
		refs = append(refs, map[string]any{"id": other})
	}
	if refs == nil {
		refs = []any{}
	}
	a.patch(t, page.id, map[string]any{"properties": byID(page, map[string]any{property: map[string]any{"relation": refs}})})
}

func (a *arena) linkRow(t *rapid.T, d desk) {
	from, ok := pick(t, d.rows, "row", func(r row) bool { return !r.archived })
	if !ok {
		return
	}
	to, _ := pick(t, d.rows, "other", func(row) bool { return true })
	in := !slices.Contains(from.values["links"], to.mark)
	d.then(func() { a.model.mean(member{from.mark, "links", to.mark}, postgres, in) })
	d.hold(from, to)
	if in {
		d.exec(t, `insert into things_links (thing_id, link_id) values ($1::text::uuid, $2::text::uuid)`, from.id, to.id)
	} else {
		d.exec(t, `delete from things_links where thing_id = $1::text::uuid and link_id = $2::text::uuid`, from.id, to.id)
	}
}

// usersOf returns the people of the workspace.
func (a *arena) usersOf(t *rapid.T) []string {
	var ids []string
	for _, u := range a.call(t, "GET", "/v1/users", nil)["results"].([]any) {
		if u := u.(map[string]any); u["type"] == "person" {
			ids = append(ids, u["id"].(string))
		}
	}
	return ids
}
