package demo

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/ident"
	"github.com/act-platform/enhanced-integration/infra/notionsim/schema"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
	"github.com/act-platform/enhanced-integration/infra/notionsim/workspace"
)

// addRecords makes the pages of a kind, without their relations.
func addRecords(w *workspace.Workspace, kind string, s schema.Schema, records []record) {
	seed := w.Seed()
	pages := make([]*workspace.Page, len(records))
	for i, r := range records {
		name := r["Name"].(string)
		pages[i] = &workspace.Page{ID: pageID(seed, name), Values: build(seed, kind, s, r)}
		stamp(seed, pages[i], kind, name)
	}
	w.AddPages(DataSourceID(seed, kind), pages...)
}

// stamp sets a page's times, between the opening and the end of 2025, and its authors.
func stamp(seed int64, p *workspace.Page, name ...string) {
	const span = 720 * 24 * 3600 * 1000 // milliseconds
	created := ident.Number(seed, span, append([]string{"created"}, name...)...)
	edited := created + ident.Number(seed, span-created, append([]string{"edited"}, name...)...)
	authors := people()
	p.Created = opening().Add(time.Duration(created) * time.Millisecond)
	p.Edited = opening().Add(time.Duration(edited) * time.Millisecond)
	p.CreatedBy = userID(seed, authors[created%len(authors)])
	p.EditedBy = userID(seed, authors[edited%len(authors)])
}

// build makes a page's values of a record. New options of a multi_select come into being in the schema. What does not fit its
// property, because somebody changed its type, is left out.
func build(seed int64, kind string, s schema.Schema, r record) map[string]value.Value {
	values := make(map[string]value.Value)
	for _, p := range s {
		raw, ok := r[p.Name]
		if !ok && p.Type == schema.URL {
			raw, ok = "https://example.org/"+slug(p.Name)+"/"+slug(r["Name"].(string)), true
		}
		if v := value.OrNil(buildValue(seed, kind, p, raw)); ok && v != nil {
			values[p.ID] = v
		}
	}
	return values
}

func buildValue(seed int64, kind string, p *schema.Property, raw any) value.Value {
	switch raw := raw.(type) {
	case string:
		switch p.Type {
		case schema.Title:
			return value.Plain(raw)
		case schema.RichText:
			return markup(seed, raw)
		case schema.URL:
			return value.Line(raw)
		case schema.Select:
			return value.Choice(option(seed, kind, p, raw))
		}
	case int:
		if p.Type == schema.Number {
			return value.Number(raw)
		}
	case float64:
		if p.Type == schema.Number {
			return value.Number(raw)
		}
	case bool:
		if p.Type == schema.Checkbox {
			return value.Checked(raw)
		}
	case time.Time:
		if p.Type == schema.Date {
			return value.Date{Start: raw.Format(time.DateOnly)}
		}
	case []any:
		if p.Type == schema.MultiSelect {
			var ids value.Choices
			for _, name := range raw {
				ids = append(ids, option(seed, kind, p, fmt.Sprint(name)))
			}
			return ids
		}
	}
	return nil
}

// option returns the id of an option, which comes into being if need be.
func option(seed int64, kind string, p *schema.Property, name string) string {
	if o, ok := p.OptionNamed(name); ok {
		return o.ID
	}
	o := newOption(seed, kind, p.Name, name)
	p.Options = append(p.Options, o)
	return o.ID
}

func slug(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }), "-")
}

// relateAll fills the relations that the records name, at both ends.
func relateAll(w *workspace.Workspace, schemas map[string]schema.Schema, records map[string][]record) error {
	seed := w.Seed()
	refs := make(map[string]map[string]value.Refs) // page → property → pages
	link := func(page, property, to string) {
		if refs[page] == nil {
			refs[page] = make(map[string]value.Refs)
		}
		if !slices.Contains(refs[page][property], to) {
			refs[page][property] = append(refs[page][property], to)
		}
	}
	for _, kind := range Kinds() {
		for _, r := range records[kind] {
			from := pageID(seed, r["Name"].(string))
			for _, p := range schemas[kind] {
				names, _ := r[p.Name].([]any)
				if p.Type != schema.RelationType {
					continue
				}
				for _, name := range names {
					to := pageID(seed, name.(string))
					link(from, p.ID, to)
					link(to, p.Relation.SyncedID, from)
				}
			}
		}
	}
	for page, properties := range refs {
		for id, to := range properties {
			if err := w.SetValue(page, id, to); err != nil {
				return fmt.Errorf("demo relations: %w", err)
			}
		}
	}
	return nil
}

// Grow adds made-up records of a kind until there are total, and gives how many it added. The n-th record that a seed gives is
// always the same, but for the pages of the demo that it mentions.
func Grow(w *workspace.Workspace, kind string, total int, seed int64) (int, error) {
	sourceID := DataSourceID(w.Seed(), kind)
	ds, err := w.DataSource(sourceID, workspace.Actor{})
	if err != nil {
		return 0, err
	}
	data, err := content()
	if err != nil {
		return 0, err
	}
	templates := make([]map[string]value.Value, len(data.records[kind]))
	for i, r := range data.records[kind] {
		templates[i] = build(w.Seed(), kind, ds.Schema, r)
	}
	var pages []*workspace.Page
	for i, missing := len(templates), total-ds.Count(); len(pages) < missing; i++ {
		n := strconv.Itoa(i)
		p := &workspace.Page{ID: ident.UUID(w.Seed(), "grown", strconv.FormatInt(seed, 10), kind, n)}
		if _, err := w.Page(p.ID, workspace.Actor{}); err == nil {
			continue
		}
		p.Values = vary(seed, kind, i, ds.Schema, templates)
		stamp(seed, p, kind, n)
		pages = append(pages, p)
	}
	w.AddPages(sourceID, pages...)
	return len(pages), nil
}

// vary makes the values of the i-th made-up record: each of its own name and numbers, the rest picked property by property
// from the records of the demo.
func vary(seed int64, kind string, i int, s schema.Schema, templates []map[string]value.Value) map[string]value.Value {
	n := strconv.Itoa(i)
	values := make(map[string]value.Value, len(s))
	for _, p := range s {
		v := templates[ident.Number(seed, len(templates), kind, p.Name, n)][p.ID]
		switch held := v.(type) {
		case nil:
			continue
		case value.Number:
			if held > 1 {
				v = value.Number(500 * (1 + ident.Number(seed, 4000, "amount", kind, p.Name, n)))
			}
		case value.Date:
			day := ident.Number(seed, 700, "day", kind, n)
			if p.Name == "End Date" {
				day += 200 + ident.Number(seed, 700, "length", kind, n)
			}
			v = value.Date{Start: opening().AddDate(0, 0, day).Format(time.DateOnly)}
		case value.Line:
			v = value.Line("https://example.org/" + slug(p.Name) + "/" + kind + "-" + n)
		}
		values[p.ID] = v
	}
	values[schema.TitleID] = value.Plain(name(seed, kind, i))
	return values
}

// name makes up a name that no other record of the kind has.
func name(seed int64, kind string, i int) string {
	places := strings.Fields("Barcoo Bogong Coorong Darling Gwydir Hawkesbury Jervis Kakadu Lachlan Mulga Nullarbor Otway Paroo Quorn Riverina Stradbroke Tanami Upfield Victor Warrego Yarra Zeehan")
	kinds := map[string]string{
		"partners":      "Circle Collective Clinic Network Cooperative Trust Alliance Council",
		"projects":      "Pathways Archive Pilot Workshop Commons Exchange Atlas Studio",
		"opportunities": "Grant Tender Fellowship Sponsorship Round Partnership Inquiry Fund",
		"organizations": "Foundation Society Company Union Institute Library Bank Centre",
	}
	nouns := strings.Fields(kinds[kind])
	n := strconv.Itoa(i)
	return places[ident.Number(seed, len(places), "place", kind, n)] + " " + nouns[ident.Number(seed, len(nouns), "noun", kind, n)] + " " + n
}
