package record_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// lens is of a kind with a title, a number, a date and a select.
func lens() record.Lens {
	fields := []mapping.Field{
		{Property: "Name", Type: property.TypeTitle, Column: "name", ColumnType: mapping.Text},
		{Property: "Budget", Type: property.TypeNumber, Column: "budget", ColumnType: mapping.Numeric},
		{Property: "When", Type: property.TypeDate, Column: "day", ColumnType: mapping.Day},
		{Property: "Stage", Type: property.TypeSelect, Column: "stage", ColumnType: mapping.Text},
	}
	l := record.Lens{Kind: mapping.Kind{Name: "things", Fields: fields}, Binding: mapping.Binding{}}
	for i, f := range fields {
		l.Binding[f.Column] = mapping.Live{ID: fmt.Sprintf("p%d", i), Name: f.Property, Type: f.Type}
	}
	return l
}

// document is a page with those properties, each given as `id type value`.
func document(properties map[string]string) json.RawMessage {
	var parts []string
	for name, p := range properties {
		id, rest, _ := strings.Cut(p, " ")
		typ, value, _ := strings.Cut(rest, " ")
		parts = append(parts, fmt.Sprintf(`%q:{"id":%q,"type":%q,%q:%s}`, name, id, typ, typ, value))
	}
	return json.RawMessage(`{"id":"page","last_edited_time":"2026-11-23T10:00:00.000Z","properties":{` + strings.Join(parts, ",") + `}}`)
}

func page(t *testing.T, properties map[string]string) *record.Page {
	t.Helper()
	p := &record.Page{ID: "page", State: record.Live, Document: document(properties)}
	var err error
	if p.Properties, err = record.DecodeProperties(p.Document); err != nil {
		t.Fatal(err)
	}
	return p
}

func columns(pairs ...string) map[string]json.RawMessage {
	c := map[string]json.RawMessage{}
	for i := 0; i < len(pairs); i += 2 {
		c[pairs[i]] = json.RawMessage(pairs[i+1])
	}
	return c
}

func titled(s string) string { return `p0 title [{"type":"text","text":{"content":"` + s + `"}}]` }

func TestOfRow(t *testing.T) {
	t.Parallel()
	l := lens()
	base := &record.Base{
		ID: "row", PageID: "page", State: record.Live,
		Document: document(map[string]string{"Name": titled("a"), "Budget": "p1 number 0.125", "When": `p2 date {"start":"2026-11-23T10:00:00.000+11:00"}`, "Stage": `p3 select {"name":"x"}`}),
		Columns:  columns("name", `"A"`, "budget", `0.13`, "day", `"2026-11-23"`, "stage", `"x"`), // a trigger writes capitals, the column rounds
	}
	baseTree, err := l.OfBase(base)
	if err != nil {
		t.Fatal(err)
	}
	notion := l.OfPage(page(t, map[string]string{"Name": titled("n"), "Budget": "p1 number 7", "When": `p2 date {"start":"2026-11-23T10:00:00.000+11:00"}`, "Stage": `p3 select {"name":"y"}`}), baseTree)
	cases := map[string]struct {
		row   map[string]json.RawMessage
		field string
		want  property.Value
	}{
		"what it was at the base is the base's value, whatever the column makes of it": {columns("name", `"A"`), "name", text("a")},
		"rounded is not changed":                     {columns("budget", `0.13`), "budget", property.Number(0.125)},
		"a day that is not changed keeps its time":   {columns("day", `"2026-11-23"`), "day", property.Date{Start: "2026-11-23T10:00:00.000+11:00"}},
		"changed to what Notion has is Notion's":     {columns("stage", `"y"`), "stage", property.Option("y")},
		"changed is the change, put into the base's": {columns("day", `"2026-12-01"`), "day", property.Date{Start: "2026-12-01T10:00:00.000+11:00"}},
		"cleared is empty":                           {columns("budget", `null`), "budget", nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree, err := l.OfRow(&record.Row{ID: "row", State: record.Live, Columns: c.row}, base, baseTree, notion)
			if err != nil || !property.Equal(tree.Fields[c.field], c.want) {
				t.Errorf("%v, %v", tree.Fields[c.field], err)
			}
		})
	}
	if _, err := l.OfRow(&record.Row{Columns: columns("day", `"infinity"`)}, base, baseTree, notion); fault.KindOf(err["day"]) != fault.Invalid {
		t.Errorf("a column that cannot be read: %v", err)
	}
}

func TestOfPageTakesWhatIsNotShownFromTheBase(t *testing.T) {
	t.Parallel()
	l := lens()
	base := record.Tree{State: record.Live, Fields: record.Fields{"name": text("a"), "budget": property.Number(1), "stage": property.Option("x")}}
	p := page(t, map[string]string{"Name": titled("cut"), "Budget": "p1 rich_text []"})
	cut := p.Properties["p0"]
	cut.Truncated = true
	p.Properties["p0"] = cut
	tree := l.OfPage(p, base)
	for field, want := range base.Fields {
		if !property.Equal(tree.Fields[field], want) {
			t.Errorf("%s is %v, want %v", field, tree.Fields[field], want)
		}
	}
	if none := l.OfPage(nil, base); none.State != record.None || none.Fields != nil {
		t.Errorf("no page: %+v", none)
	}
}

func TestAdvance(t *testing.T) {
	t.Parallel()
	l := lens()
	old := &record.Base{
		ID: "row", PageID: "page", State: record.Live, Version: 3,
		Document: document(map[string]string{"Name": titled("old"), "Budget": "p1 number 1"}),
		Columns:  columns("name", `"old"`, "budget", `1`),
	}
	p := page(t, map[string]string{"Renamed": titled("new"), "Budget": "p1 number 2", "Mystery": `zz aura {"glow":3}`})
	row := &record.Row{ID: "row", Columns: columns("name", `"new"`, "budget", `2`)}

	next, err := l.Advance(old, p, row, record.Live, nil)
	if err != nil || string(next.Columns["budget"]) != "2" || !record.SamePage(next.Document, p.Document) {
		t.Errorf("all settled: %s %s %v", next.Columns, next.Document, err)
	}
	if !strings.Contains(string(next.Document), `"glow":3`) {
		t.Errorf("a type that nobody knows is not carried: %s", next.Document)
	}

	next, err = l.Advance(old, p, row, record.Live, map[string]bool{"name": true})
	tree, _ := l.OfBase(&next)
	if err != nil || !property.Equal(tree.Fields["name"], text("old")) || string(next.Columns["name"]) != `"old"` || !property.Equal(tree.Fields["budget"], property.Number(2)) {
		t.Errorf("the name unsettled: %s %v %v", next.Columns, tree.Fields, err)
	}

	next, err = l.Advance(nil, p, row, record.Live, map[string]bool{"name": true})
	tree, _ = l.OfBase(&next)
	if _, stands := next.Columns["name"]; err != nil || stands || tree.Fields["name"] != nil || next.ID != "row" || next.PageID != "page" {
		t.Errorf("new, the name unsettled: %+v %v", next, err)
	}

	next, err = l.Advance(old, nil, nil, record.Archived, nil)
	if err != nil || next.State != record.Archived || string(next.Document) != string(old.Document) || len(next.Columns) != 2 {
		t.Errorf("only archived: %+v %v", next, err)
	}
	if string(old.Columns["name"]) != `"old"` || old.State != record.Live {
		t.Error("the old base was changed")
	}
}

func TestSamePage(t *testing.T) {
	t.Parallel()
	one := `{"id":"p","last_edited_time":"2026-11-23T10:00:00.000Z","last_edited_by":{"id":"a"},"request_id":"1","icon":null,"properties":{"F":{"id":"f","type":"files","files":[{"name":"x","type":"file","file":{"url":"https://s3/x?sig=1","expiry_time":"2026-11-23T11:00:00.000Z"}}]}}}`
	same := strings.NewReplacer("10:00:00.000Z\",\"last", "10:05:00.000Z\",\"last", `"a"`, `"b"`, `"request_id":"1"`, `"request_id":"2"`, "sig=1", "sig=2", "T11", "T12").Replace(one)
	if !record.SamePage(json.RawMessage(one), json.RawMessage(same)) {
		t.Error("what changes by itself counts as a change")
	}
	for _, change := range [][2]string{{`"icon":null`, `"icon":{"type":"emoji","emoji":"🌱"}`}, {"https://s3/x", "https://s3/y"}} {
		if record.SamePage(json.RawMessage(one), json.RawMessage(strings.Replace(one, change[0], change[1], 1))) {
			t.Errorf("%s is taken for no change", change[1])
		}
	}
	if record.SamePage(json.RawMessage(`{`), json.RawMessage(`{`)) {
		t.Error("what cannot be read is the same as nothing")
	}
	if got := record.EditedAt(json.RawMessage(one)); !got.Equal(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("edited at %s", got)
	}
}

func TestTake(t *testing.T) {
	t.Parallel()
	p := page(t, map[string]string{"Name": titled("cut"), "Budget": "p1 number 1"})
	whole := json.RawMessage(`{"id":"p0","type":"title","title":[{"type":"text","text":{"content":"cut no more"}}]}`)
	if !p.Take("p0", whole) || !property.Equal(p.Properties["p0"].Value, text("cut no more")) || !strings.Contains(string(p.Document), "cut no more") {
		t.Errorf("%+v", p)
	}
	for name, raw := range map[string]string{"nothing": ``, "another property": `{"id":"p1","type":"number","number":1}`} {
		if p.Take("p0", json.RawMessage(raw)) {
			t.Errorf("%s was taken", name)
		}
	}
	if p.Take("p9", json.RawMessage(`{"id":"p9","type":"number","number":1}`)) {
		t.Error("a property that the page does not have was taken")
	}
}
