//go:build !race

package oracle

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

// scalar are the fields in which a value is a token.
func (a *arena) scalar() []string {
	if a.wide {
		return []string{"name", "text", "number", "choice", "day", "moment", "link", "phone", "stage", "docs"}
	}
	return []string{"name", "text", "number", "choice", "day", "moment", "link"}
}

// writableOn are those of them that a person can now write a new value to on that side.
func (a *arena) writableOn(on side) []string {
	return slices.DeleteFunc(a.scalar(), func(field string) bool {
		return on == notion && a.without[field] || on == postgres && a.dropped[field] || on == postgres && field == "docs" || field == "stage" && a.model.stages == len(stages())
	})
}

// stages are the options that the status has: unlike those of a select they do not come into being when they are written.
func stages() []any {
	options := make([]any, 40)
	for i := range options {
		options[i] = map[string]any{"name": stageNamed(i + 1)}
	}
	return options
}

func stageNamed(n int) string { return fmt.Sprintf("stage%d", n) }

// act draws something to happen.
type act struct {
	name string
	do   func(t *rapid.T)
}

// people are the things that people do.
func (a *arena) people() []act {
	return []act{
		{"create a page", a.createPage},
		{"edit a page", a.editPage},
		{"edit a page again", a.editPage},
		{"edit a page once more", a.editPage},
		{"tag a page", a.tagPage},
		{"name people on a page", a.namePeopleOnPage},
		{"link a page", a.linkPage},
		{"link a page again", a.linkPage},
		{"toggle a page", a.togglePage},
		{"lengthen a moment of a page", a.lengthen},
		{"trash a page", a.trashPage},
		{"restore a page", a.restorePage},
		{"delete a page for good", a.deletePage},
		{"move a page to another database", a.movePageAway},
		{"duplicate a page", a.duplicatePage},
		{"insert a row", a.byHand(a.insertRow)},
		{"update a row", a.byHand(a.updateRow)},
		{"update a row again", a.byHand(a.updateRow)},
		{"update a row once more", a.byHand(a.updateRow)},
		{"tag a row", a.byHand(a.tagRow)},
		{"name people in a row", a.byHand(a.namePeopleInRow)},
		{"link a row", a.byHand(a.linkRow)},
		{"link a row again", a.byHand(a.linkRow)},
		{"tune a row", a.byHand(a.tuneRow)},
		{"toggle a row", a.byHand(a.toggleRow)},
		{"delete a row", a.byHand(a.deleteRow)},
		{"archive a row", a.byHand(a.archiveRow)},
		{"restore a row", a.byHand(a.unarchiveRow)},
		{"let an application write", a.workInTransaction},
		{"let an application write more", a.workInTransaction},
		{"let an application end", a.end},
		{"rename a property", a.renameProperty},
		{"remove a property", a.removeProperty},
		{"return a property", a.returnProperty},
		{"rename an option", a.renameOption},
		{"have a property jump", a.jumpProperty},
		{"take away the property of the ids", a.removeKeys},
		{"unshare the database", func(t *rapid.T) { a.share(t, !rapid.Bool().Draw(t, "unshares")) }},
		{"share the database", func(t *rapid.T) { a.share(t, true) }},
		{"fill the workspace", func(t *rapid.T) { a.fill(t, true) }},
		{"drop a column", a.dropColumn},
		{"add a column", a.addColumn},
		{"rename a column", a.renameColumn},
		{"approve deletions", func(t *rapid.T) { a.decide(t, journal.Approved) }},
		{"refuse deletions", a.refuse},
	}
}

// meanwhile is something that a person does while a sync is under way.
func (a *arena) meanwhile(t *rapid.T) {
	if n := rapid.IntRange(0, 3).Draw(t, "seconds meanwhile"); n == 3 {
		a.tick(t, 20*time.Second)
	}
	do := rapid.SampledFrom([]act{
		{"edit a page", a.editPage},
		{"update a row", a.byHand(a.updateRow)},
		{"trash a page", a.trashPage},
		{"archive a row", a.byHand(a.archiveRow)},
		{"tag a page", a.tagPage},
		{"tag a row", a.byHand(a.tagRow)},
		{"link a page", a.linkPage},
		{"link a row", a.byHand(a.linkRow)},
		{"delete a row", a.byHand(a.deleteRow)},
		{"create a page", a.createPage},
		{"insert a row", a.byHand(a.insertRow)},
		{"let an application write", a.workInTransaction},
		{"let an application end", a.end},
		{"rename an option", a.renameOption},
		{"unshare the database", func(t *rapid.T) { a.share(t, false) }},
		{"fill the workspace", func(t *rapid.T) { a.fill(t, true) }},
	}).Draw(t, "meanwhile")
	do.do(t)
	if rapid.Bool().Draw(t, "a webhook meanwhile") {
		a.toldMeanwhile(t)
	}
}

// pick draws one of those that fit; false when none does.
func pick[T any](t *rapid.T, all []T, label string, fits func(T) bool) (T, bool) {
	var none T
	fitting := slices.DeleteFunc(slices.Clone(all), func(v T) bool { return !fits(v) })
	if len(fitting) == 0 {
		return none, false
	}
	return fitting[rapid.IntRange(0, len(fitting)-1).Draw(t, label)], true
}

// properties draws values for one to three fields of a record, and gives them as Notion takes them and as columns hold them.
func (a *arena) values(t *rapid.T, mark string, on side) (properties map[string]any, columns map[string]string) {
	properties, columns = map[string]any{}, map[string]string{}
	spoils := rapid.IntRange(0, 15).Draw(t, "spoils one at 15") == 15
	for _, field := range rapid.SliceOfNDistinct(rapid.SampledFrom(a.writableOn(on)), 1, 3, rapid.ID).Draw(t, "fields") {
		if spoils {
			if bad, is := a.bad(t, mark, field, on); is {
				spoils, properties[notionName(field)], columns[field] = false, value(field, bad), bad
				continue
			}
		}
		text := a.model.fresh(mark, field, on)
		written := a.model.tokens[token{field, text}]
		if field == "stage" {
			written.unsure = a.defaulted(t, mark)
		}
		if on == notion {
			properties[notionName(field)] = a.inFull(t, field, text, written)
		} else {
			text = a.finer(t, field, text, written)
		}
		if field == "text" && on == notion && a.cut == 25 && rapid.Bool().Draw(t, "mentions") {
			properties["Text"], text = a.mentions(text)
		}
		columns[field] = text
	}
	return properties, columns
}

// defaulted reports whether a record's page has a status that Notion chose when a run made the page, and that its row has yet to take.
func (a *arena) defaulted(t *rapid.T, mark string) (is bool) {
	if err := a.person.QueryRow(context.Background(), `select exists (select from notion_things where row_data->>'mark' = $1 and not row_data ? 'stage')`, mark).Scan(&is); err != nil {
		t.Fatal(err)
	}
	return is
}

// notionName is a field's property at first; a person may rename it, so pages are edited by id where that is known.
func notionName(field string) string { return strings.ToUpper(field[:1]) + field[1:] }

func value(field, text string) any {
	switch field {
	case "name":
		return map[string]any{"title": rich(text)}
	case "text":
		return map[string]any{"rich_text": rich(text)}
	case "number":
		var n float64
		_, _ = fmt.Sscan(text, &n)
		return map[string]any{"number": n}
	case "choice":
		return map[string]any{"select": map[string]any{"name": text}}
	case "day":
		return map[string]any{"date": map[string]any{"start": text}}
	case "moment":
		return map[string]any{"date": map[string]any{"start": text + ":00.000Z"}}
	case "link":
		return map[string]any{"url": text}
	case "phone":
		return map[string]any{"phone_number": text}
	case "stage":
		return map[string]any{"status": map[string]any{"name": text}}
	case "docs":
		return map[string]any{"files": []any{map[string]any{"name": text, "external": map[string]any{"url": "https://example.com/" + text}}}}
	default:
		return map[string]any{"email": text}
	}
}

// note keeps what happened, to be shown when a history fails.
func (a *arena) note(format string, args ...any) {
	a.trace = append(a.trace, fmt.Sprintf("%3d ", a.model.step)+fmt.Sprintf(format, args...))
}

// byID returns properties by the ids that a page's properties have.
func byID(p page, properties map[string]any) map[string]any {
	named := map[string]any{}
	for name, v := range properties {
		named[p.ids[strings.ToLower(name)]] = v
	}
	return named
}

func only[V any](values map[string][]string, fields map[string]V) map[string][]string {
	some := map[string][]string{}
	for field := range fields {
		some[strings.ToLower(field)] = values[strings.ToLower(field)]
	}
	return some
}

func (a *arena) newRecord() string {
	a.model.next++
	mark := fmt.Sprintf("r%d@example.com", a.model.next)
	a.model.records[mark] = &life{}
	a.model.made = append(a.model.made, mark)
	return mark
}

// patch changes a page as a person.
func (a *arena) patch(t *rapid.T, id string, body map[string]any) {
	data, _ := json.Marshal(body)
	a.note("a person changes page %s: %s", id, data)
	a.call(t, "PATCH", "/v1/pages/"+id, body)
}

func (a *arena) createPage(t *rapid.T) {
	if len(a.pages(t)) > 14 || a.isFull {
		return
	}
	if a.created++; a.created >= 4 {
		a.tick(t, time.Minute)
	}
	mark := a.newRecord()
	properties, _ := a.values(t, mark, notion)
	properties["Mark"] = value("mark", mark)
	a.call(t, "POST", "/v1/pages", map[string]any{"parent": map[string]any{"type": "data_source_id", "data_source_id": a.source}, "properties": a.renamed(properties)})
}

func (a *arena) editPage(t *rapid.T) {
	p, ok := pick(t, a.pages(t), "page", func(p page) bool { return !p.trashed })
	if !ok {
		return
	}
	before := a.model.step
	properties, columns := a.values(t, p.mark, notion)
	if p.key != "" && !a.met(t, p.id) {
		a.model.unheard(p.mark, before)
	}
	a.model.replaced(p.mark, only(p.values, columns))
	a.patch(t, p.id, map[string]any{"properties": byID(p, properties)})
}

func (a *arena) tagPage(t *rapid.T) {
	p, ok := pick(t, a.pages(t), "page", func(p page) bool { return !p.trashed })
	if !ok {
		return
	}
	options := []any{}
	for _, name := range a.tags(t, p.mark, p.values["tags"], p.options["tags"], notion, atOnce) {
		options = append(options, map[string]any{"name": name})
	}
	a.patch(t, p.id, map[string]any{"properties": byID(p, map[string]any{"Tags": map[string]any{"multi_select": options}})})
}

// tags draws what becomes of a list of tags, which are called so now, and were called so at first: one more, one less, or both. The model learns
// then what goes.
func (a *arena) tags(t *rapid.T, mark string, first, now []string, on side, then func(func())) []string {
	next := slices.Clone(now)
	if len(next) > 0 && rapid.Bool().Draw(t, "remove a tag") {
		i := rapid.IntRange(0, len(next)-1).Draw(t, "tag")
		gone := first[i]
		then(func() {
			a.model.replaced(mark, map[string][]string{"tags": {gone}})
			a.model.touch(mark)
		})
		next = slices.Delete(next, i, i+1)
	}
	if len(next) == 0 || rapid.Bool().Draw(t, "add a tag") {
		next = append(next, a.model.fresh(mark, "tags", on))
	}
	return next
}

func (a *arena) togglePage(t *rapid.T) {
	p, ok := pick(t, a.pages(t), "page", func(p page) bool { return !p.trashed })
	if !ok {
		return
	}
	a.model.touch(p.mark)
	a.patch(t, p.id, map[string]any{"properties": byID(p, map[string]any{"Box": map[string]any{"checkbox": !slices.Contains(p.values["box"], "true")}})})
}

// deletedRow notes that a person who saw a live row deleted it. Where a page was being made for it, and has a status, the page stays: it shows
// an option that nobody is known to have chosen. The same goes for a page that was made anew, without its files, as long as the row has them.
func (a *arena) deletedRow(t *rapid.T, r row) {
	a.deleted(r.mark, r.values)
	var making bool
	if err := a.person.QueryRow(context.Background(), `select exists (select from integration.sync_intents where row_id = $1::text::uuid and op = 'create')`, r.id).Scan(&making); err != nil {
		t.Fatal(err)
	}
	l := a.model.records[r.mark]
	l.loose = l.loose || making && a.wide || slices.ContainsFunc(a.pages(t), func(p page) bool {
		return p.mark == r.mark && !slices.Equal(p.values["docs"], r.values["docs"])
	})
}

// deleted notes that a person who saw a live record deleted it.
func (a *arena) deleted(mark string, values map[string][]string) {
	a.model.uproot(mark)
	l := a.model.records[mark]
	l.deleted, l.at = true, a.model.step+1
	l.loose = l.loose || l.touched // an edit that left no token may outlive the deletion
	a.model.replaced(mark, values)
}

// restored notes that a person brought a record back. What only one side showed of it when it was deleted, a sync of one way does not
// bring to the other, and outlives what happens there.
func (a *arena) restored(t *rapid.T, mark string) {
	l := a.model.records[mark]
	n, p := a.views(t)
	for token, w := range a.model.tokens {
		l.loose = l.loose || w.mark == mark && n[mark].has(token.field, token.text) != p[mark].has(token.field, token.text)
	}
	l.loose = l.loose || l.touched || !l.deleted || l.at > a.model.clean // the other side may not have heard of either
	l.deleted = false
	for who := range a.model.members {
		if who.field == "links" && who.element == mark {
			a.model.touch(who.mark) // the link appears again with what it leads to, which nobody can tell from an edit
		}
	}
}

func (a *arena) trashPage(t *rapid.T) {
	if p, ok := pick(t, a.pages(t), "page", func(p page) bool { return !p.trashed }); ok {
		a.deleted(p.mark, p.values)
		if l := a.model.records[p.mark]; p.key != "" && !a.met(t, p.id) {
			l.loose, l.again, l.unheard = true, l.again+1, l.unheard+1 // the sync made it, has not heard so, and finds nothing in the trash
		} else if a.unanswered(t, p.id, "restore") {
			l.loose = true // nobody can know any more that the sync had brought it back, and it does so again
		}
		a.patch(t, p.id, map[string]any{"in_trash": true})
	}
}

// met reports whether the sync knows a page.
func (a *arena) met(t *rapid.T, id string) (met bool) {
	if err := a.person.QueryRow(context.Background(), `select exists (select from notion_things where notion_id = $1)`, id).Scan(&met); err != nil {
		t.Fatal(err)
	}
	return met
}

func (a *arena) restorePage(t *rapid.T) {
	if p, ok := pick(t, a.pages(t), "page", func(p page) bool { return p.trashed }); ok {
		a.restored(t, p.mark)
		a.patch(t, p.id, map[string]any{"in_trash": false})
	}
}

// leaves notes that a page leaves the database for good.
func (a *arena) leaves(t *rapid.T, p page) {
	if !p.trashed {
		a.deleted(p.mark, p.values)
	}
	a.model.erased(p.mark, p.values)
	l := a.model.records[p.mark]
	// Nobody can know any more what the write left on the page, nor that there was one where the sync has not heard that it made it.
	l.loose = l.loose || a.unanswered(t, p.id, "%") || p.key != "" && !a.met(t, p.id)
	l.again++
}

// movePageAway moves a page to a database that is not kept in step: for this one it is gone.
func (a *arena) movePageAway(t *rapid.T) {
	if p, ok := pick(t, a.pages(t), "page", func(p page) bool { return !p.trashed }); ok {
		a.counts.moved++
		a.leaves(t, p)
		a.note("a person moves page %s of %s to another database", p.id, p.mark)
		a.call(t, "POST", "/v1/pages/"+p.id+"/move", map[string]any{"parent": map[string]any{"type": "data_source_id", "data_source_id": a.elsewhere}})
	}
}

func (a *arena) deletePage(t *rapid.T) {
	if p, ok := pick(t, a.pages(t), "page", func(page) bool { return true }); ok {
		a.leaves(t, p)
		a.note("a person deletes page %s of %s for good", p.id, p.mark)
		if err := a.sim.DeletePage(p.id); err != nil {
			t.Fatal(err)
		}
	}
}

func (a *arena) duplicatePage(t *rapid.T) {
	p, ok := pick(t, a.pages(t), "page", func(p page) bool { return !p.trashed })
	if !ok || len(a.pages(t)) > 14 || a.isFull {
		return
	}
	if a.created++; a.created >= 4 {
		a.tick(t, time.Minute)
	}
	mark := a.newRecord()
	properties := map[string]any{"Mark": value("mark", mark)}
	for _, field := range a.scalar() {
		if v := p.values[field]; len(v) > 0 && !a.model.isBad(p.mark, field, v[0]) {
			properties[notionName(field)] = value(field, v[0])
		}
	}
	properties = a.renamed(a.writable(properties))
	if p.key != "" && a.met(t, p.id) { // else nobody can tell the copy from the page that the sync has not heard of yet
		properties["Supabase ID"] = map[string]any{"rich_text": rich(p.key)}
	}
	a.call(t, "POST", "/v1/pages", map[string]any{"parent": map[string]any{"type": "data_source_id", "data_source_id": a.source}, "properties": properties})
}

func (a *arena) insertRow(t *rapid.T, d desk) {
	if len(d.rows) > 14 {
		return
	}
	mark := a.newRecord()
	_, columns := a.values(t, mark, postgres)
	columns["mark"] = mark
	names, places, args := []string{}, []string{}, []any{}
	for _, field := range slices.Sorted(maps.Keys(columns)) {
		names, args = append(names, a.columnName(field)), append(args, columns[field])
		places = append(places, fmt.Sprintf("$%d%s", len(args), cast(field)))
	}
	d.exec(t, fmt.Sprintf("insert into things (%s) values (%s)", strings.Join(names, ", "), strings.Join(places, ", ")), args...)
}

// cast has Postgres read a text as a field's type.
func cast(field string) string {
	switch field {
	case "number":
		return "::text::numeric"
	case "day":
		return "::text::date"
	case "moment":
		return "::text::timestamptz"
	default:
		return "::text"
	}
}

func (a *arena) updateRow(t *rapid.T, d desk) {
	r, ok := pick(t, d.rows, "row", func(row) bool { return true })
	if !ok {
		return
	}
	_, columns := a.values(t, r.mark, postgres)
	d.then(func() { a.model.replaced(r.mark, only(r.values, columns)) })
	var sets []string
	args := []any{r.id}
	for _, field := range slices.Sorted(maps.Keys(columns)) {
		args = append(args, columns[field])
		sets = append(sets, fmt.Sprintf("%s = $%d%s", a.columnName(field), len(args), cast(field)))
		written := a.model.tokens[token{field, shownIn(r.mark, field, columns[field])}]
		written.quiet = r.archived
		if field == "stage" {
			d.then(func() { written.unsure = written.unsure || a.defaulted(t, r.mark) })
		}
	}
	d.hold(r)
	d.exec(t, fmt.Sprintf("update things set %s where id = $1::text::uuid", strings.Join(sets, ", ")), args...)
}

func (a *arena) tagRow(t *rapid.T, d desk) {
	if r, ok := pick(t, d.rows, "row", func(r row) bool { return !r.archived }); ok {
		d.hold(r)
		d.exec(t, `update things set tags = $2 where id = $1::text::uuid`, r.id, a.tags(t, r.mark, r.values["tags"], r.tags, postgres, d.then))
	}
}

func (a *arena) toggleRow(t *rapid.T, d desk) {
	if r, ok := pick(t, d.rows, "row", func(r row) bool { return !r.archived }); ok {
		d.then(func() { a.model.touch(r.mark) })
		d.hold(r)
		d.exec(t, `update things set box = not box where id = $1::text::uuid`, r.id)
	}
}

func (a *arena) deleteRow(t *rapid.T, d desk) {
	if r, ok := pick(t, d.rows, "row", func(row) bool { return true }); ok {
		d.then(func() {
			if !r.archived {
				a.deletedRow(t, r)
			}
			a.model.erased(r.mark, r.values)
		})
		d.hold(append(d.linkedWith(r), r)...) // what it is linked with loses the link
		d.exec(t, `delete from things where id = $1::text::uuid`, r.id)
	}
}

func (a *arena) archiveRow(t *rapid.T, d desk) {
	if r, ok := pick(t, d.rows, "row", func(r row) bool { return !r.archived }); ok {
		d.then(func() { a.deletedRow(t, r) })
		d.hold(r)
		d.exec(t, `update things set archived_at = now() where id = $1::text::uuid`, r.id)
	}
}

func (a *arena) unarchiveRow(t *rapid.T, d desk) {
	if r, ok := pick(t, d.rows, "row", func(r row) bool { return r.archived }); ok {
		d.then(func() { a.restored(t, r.mark) })
		d.hold(r)
		d.exec(t, `update things set archived_at = null where id = $1::text::uuid`, r.id)
	}
}

// decide says what becomes of the deletions that are held, false where none are.
func (a *arena) decide(t *rapid.T, verdict journal.Verdict) bool {
	a.note("what is held is %s", verdict)
	done, err := a.person.Exec(context.Background(), `update integration.sync_holds set status = $1, decided_by = 'a person', decided_at = now() where status = 'waiting'`, verdict)
	if err != nil {
		t.Fatal(err)
	}
	return done.RowsAffected() > 0
}

// refuse has the records return whose deletion is held.
func (a *arena) refuse(t *rapid.T) {
	held, err := a.person.Query(context.Background(), `
		select n.row_data->>'mark' from integration.sync_held_records r join integration.sync_holds h on h.id = r.hold_id join notion_things n on n.id = r.row_id where h.status = 'waiting'`)
	if err != nil {
		t.Fatal(err)
	}
	marks, err := pgx.CollectRows(held, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range marks {
		a.model.records[mark].loose = true // what was deleted returns as far as the other side has it
	}
	a.decide(t, journal.Refused)
}

// renameProperty renames a property, or renames it back; once the sync has met it by its own.
func (a *arena) renameProperty(t *rapid.T) {
	field := rapid.SampledFrom(a.scalar()).Draw(t, "property")
	if !a.boundTo(t, field) || a.without[field] {
		return
	}
	was := notionName(field)
	now := was + " "
	if a.names[field] {
		was, now = now, was
	}
	a.names[field] = !a.names[field]
	a.call(t, "PATCH", "/v1/data_sources/"+a.source, map[string]any{"properties": map[string]any{was: map[string]any{"name": now}}})
}

// bound reports whether the sync has met the database's properties.
func (a *arena) bound(t *rapid.T) (is bool) {
	if err := a.person.QueryRow(context.Background(), `select exists (select from integration.sync_databases where property_ids <> '{}')`).Scan(&is); err != nil {
		t.Fatal(err)
	}
	return is
}

// boundTo reports whether the sync has met a field's property, as the mapping is now, and the property that the field has now.
func (a *arena) boundTo(t *rapid.T, field string) bool {
	id := a.boundID(t, field)
	return id != "" && id != a.outlived[field]
}

// boundID returns the id of the property that the sync knows of a field, "" where it knows none.
func (a *arena) boundID(t *rapid.T, field string) (id string) {
	if err := a.person.QueryRow(context.Background(), `select coalesce(max(property_ids -> $1 ->> 'ID'), '') from integration.sync_databases`, a.columnName(field)).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

// renamed returns properties by the names that they have now.
func (a *arena) renamed(properties map[string]any) map[string]any {
	named := map[string]any{}
	for name, v := range properties {
		if a.names[strings.ToLower(name)] {
			name += " "
		}
		named[name] = v
	}
	return named
}

// pass lets time go by.
func (a *arena) pass(t *rapid.T) {
	a.tick(t, time.Duration(rapid.SampledFrom([]int{1, 15, 30, 59, 60, 61, 120, 300, 900}).Draw(t, "seconds"))*time.Second)
}

// syncAround draws a sync, with trouble at some of its effects.
func (a *arena) syncAround(t *rapid.T) {
	typ := rapid.SampledFrom([]journal.Type{journal.Incremental, journal.Incremental, journal.Full, journal.Full, journal.NotionToSupabase, journal.SupabaseToNotion}).Draw(t, "type")
	a.sync(t, typ, drawTroubles(t))
	a.lasts(t)
}

// drawTroubles draws at which effects there is trouble.
func drawTroubles(t *rapid.T) map[int]trouble {
	plan := map[int]trouble{}
	for range rapid.SampledFrom([]int{0, 0, 1, 1, 2, 4}).Draw(t, "troubles") {
		at := rapid.IntRange(0, 40).Draw(t, "at")
		plan[at] = rapid.SampledFrom([]trouble{failBefore, failAfter, crashBefore, crashAfter, meanwhile, meanwhile, refuse}).Draw(t, "trouble")
	}
	return plan
}
