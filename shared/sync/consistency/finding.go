// Package consistency finds what of a record does not fit together: the page, the row, and the base between them. Pure.
package consistency

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// Check is a sort of check.
type Check string

// The checks.
const (
	Rows      Check = "notion_supabase_sync" // the base against the application's table
	Pages     Check = "notion_pages"         // the base against Notion's pages
	Relations Check = "relations"            // pages against the pages that they lead to
)

// Checks returns every check.
func Checks() []Check { return []Check{Rows, Pages, Relations} }

// Problem is what is wrong with a record.
type Problem string

// The problems.
const (
	RowMissing     Problem = "row_missing"     // the base has the record, the table does not
	RowUnlinked    Problem = "row_unlinked"    // the table has a row that the base does not know
	RowDiffers     Problem = "row_differs"     // the row is not what the base says that it was
	RowState       Problem = "row_state"       // archived on one side, live on the other
	BaseBroken     Problem = "base_broken"     // the base cannot be read
	PageMissing    Problem = "page_missing"    // the base has the record, Notion does not
	PageTrashed    Problem = "page_trashed"    // the page lies in the trash, or was moved to another database
	PageUnlinked   Problem = "page_unlinked"   // Notion has a page that the base does not know
	PageDiffers    Problem = "page_differs"    // the page is not what the base says that it was
	Unlinked       Problem = "unlinked"        // page and row are there, the base that ties them is not
	RelationBroken Problem = "relation_broken" // the page leads to a page that is not in step
)

// Missing reports whether the problem is that something is not there.
func (p Problem) Missing() bool {
	return slices.Contains([]Problem{RowMissing, PageMissing, PageTrashed, PageUnlinked, RowUnlinked}, p)
}

// Repairable says whether the record can be queued to be put right, and advice what that does, or what a person has to do instead.
func (p Problem) Repairable() (ok bool, advice string) {
	switch p {
	case RowMissing:
		return true, "A repair puts the row back as both sides last had it."
	case RowDiffers, RowState:
		return true, "A repair takes the row's state for a person's edit, and brings it to Notion."
	case PageMissing, PageTrashed:
		return true, "A repair takes the page for deleted by a person, and archives the row."
	case PageUnlinked:
		return true, "A repair makes a row for the page."
	case PageDiffers:
		return true, "A repair takes the page's values for a person's edit, and brings them to the row."
	case Unlinked:
		return true, "A repair ties page and row together again; what differs is settled as a conflict."
	case RowUnlinked:
		return false, "Whether the row has a page is only known in Notion: check with deep=true."
	case BaseBroken:
		return false, "Restore the row of the base table from a backup, or delete it and check with deep=true."
	case RelationBroken:
		return false, "Share the database that the relation leads to, or take the reference out in Notion."
	}
	return false, ""
}

// Difference is a field as each side shows it; what a side does not have is absent.
type Difference struct {
	Field    string          `json:"field"`
	Base     json.RawMessage `json:"base,omitempty"`
	Supabase json.RawMessage `json:"supabase,omitempty"`
	Notion   json.RawMessage `json:"notion,omitempty"`
}

// Finding is a record that does not fit together.
type Finding struct {
	Check    Check        `json:"check"`
	Kind     string       `json:"database"`
	Problem  Problem      `json:"problem"`
	RecordID string       `json:"record_id,omitempty"`
	PageID   string       `json:"notion_id,omitempty"`
	Name     string       `json:"name,omitempty"`
	Fields   []Difference `json:"fields,omitempty"`
	// NoPage: Notion was asked and has no page for the row, so that a repair may make one.
	NoPage bool `json:"no_page,omitempty"`
}

// Repairable says whether the record can be queued, and what that does or what to do instead.
func (f Finding) Repairable() (bool, string) {
	if f.Problem == RowUnlinked && f.NoPage {
		return true, "A repair makes a page for the row."
	}
	return f.Problem.Repairable()
}

// Result is what a check of a database found.
type Result struct {
	Check    Check     `json:"check"`
	Kind     string    `json:"database"`
	Table    string    `json:"table"`
	Base     string    `json:"base_table"`
	Checked  int       `json:"checked"`
	Waiting  int       `json:"waiting"` // changed since the last sync, which takes them in, or a person was asked which side is right: nothing is wrong with them
	Findings []Finding `json:"findings"`
	// Found counts the findings, those too that are not listed, Missing those of a record that is not on both sides.
	Found   int `json:"found"`
	Missing int `json:"missing"`
}

// Listed is how many findings of a check are listed at the most.
const Listed = 500

// Add takes a finding in.
func (r *Result) Add(f Finding) {
	r.Found++
	if f.Problem.Missing() {
		r.Missing++
	}
	if len(r.Findings) < Listed {
		r.Findings = append(r.Findings, f)
	}
}

// Lens compares records of a kind.
type Lens struct{ record.Lens }

// Row compares what Postgres has of a record; nil when it fits.
func (l Lens) Row(k journal.Known) *Finding {
	f := l.finding(Rows, k)
	switch {
	case k.Base == nil && (k.Row == nil || k.Row.State != record.Live):
		return nil // archived before it was ever in step
	case k.Base == nil:
		f.Problem = RowUnlinked
		return &f
	case k.Row == nil:
		if k.Base.State != record.Live {
			return nil // deleted on both sides
		}
		f.Problem = RowMissing
		return &f
	}
	if _, err := l.OfBase(k.Base); err != nil {
		f.Problem = BaseBroken
		return &f
	}
	if k.Base.State != k.Row.State {
		f.Problem = RowState
		f.Fields = []Difference{{Field: "state", Base: text(string(k.Base.State)), Supabase: text(string(k.Row.State))}}
		return &f
	}
	if k.Base.State != record.Live {
		return nil
	}
	for _, field := range l.Fields() {
		was, is := k.Base.Columns[field.Column], k.Row.Columns[field.Column]
		if !record.SameColumn(field.ColumnType, was, is) {
			f.Fields = append(f.Fields, Difference{Field: field.Column, Base: shown(was), Supabase: shown(is)})
		}
	}
	if len(f.Fields) == 0 {
		return nil
	}
	f.Problem = RowDiffers
	return &f
}

// Page compares a page with what Postgres has of its record; nil when it fits. What Notion cut of the page is not compared.
func (l Lens) Page(p record.Page, k journal.Known) *Finding {
	f := l.finding(Pages, k)
	f.PageID = p.ID
	live := k.Base != nil && k.Base.State == record.Live
	switch {
	case p.State == record.Gone && live:
		f.Problem = PageMissing
		return &f
	case p.State != record.Live && live:
		f.Problem = PageTrashed
		return &f
	case p.State != record.Live:
		return nil
	case k.Base == nil && k.Row != nil:
		f.Problem = Unlinked
		return &f
	case k.Base == nil:
		f.Problem, f.RecordID = PageUnlinked, ""
		return &f
	}
	base, err := l.OfBase(k.Base)
	if err != nil {
		f.Problem = BaseBroken
		return &f
	}
	if !live {
		f.Problem = PageDiffers
		f.Fields = []Difference{{Field: "state", Base: text(string(k.Base.State)), Notion: text(string(p.State))}}
		return &f
	}
	shows := l.OfPage(&p, base)
	for _, field := range l.Fields() {
		was, is := base.Fields[field.Column], shows.Fields[field.Column]
		if field.Join != nil {
			is = record.WithAsleep(is, was, k.Asleep)
		}
		if !property.Equal(was, is) && field.Type.Writable() {
			f.Fields = append(f.Fields, Difference{Field: field.Column, Base: shown(record.Column(field, was)), Notion: shown(record.Column(field, is))})
		}
	}
	if len(f.Fields) == 0 {
		return nil
	}
	f.Problem = PageDiffers
	return &f
}

func (l Lens) finding(c Check, k journal.Known) Finding {
	f := Finding{Check: c, Kind: l.Kind.Name, RecordID: k.Key.RowID, PageID: k.Key.PageID}
	title := l.Kind.Title().Column
	switch {
	case k.Row != nil:
		_ = json.Unmarshal(k.Row.Columns[title], &f.Name) // null: no title
	case k.Base != nil:
		_ = json.Unmarshal(k.Base.Columns[title], &f.Name)
	}
	return f
}

// Relation is a relation of a database.
type Relation struct {
	ID, Name     string // of the property
	DataSourceID string // where it leads
}

// Broken compares a page's relations with what is in step; nil when every reference leads to a page that is. relations are those that lead
// to a database that is synced.
func Broken(kind mapping.Kind, p record.Page, relations []Relation, inStep func(dataSourceID, pageID string) bool) *Finding {
	f := Finding{Check: Relations, Kind: kind.Name, Problem: RelationBroken, PageID: p.ID}
	for _, r := range relations {
		refs, _ := p.Properties[r.ID].Value.(property.Refs)
		var broken []string
		for _, ref := range refs {
			if !inStep(r.DataSourceID, ref) {
				broken = append(broken, ref)
			}
		}
		if broken != nil {
			f.Fields = append(f.Fields, Difference{Field: r.Name, Notion: list(broken)})
		}
	}
	if f.Fields == nil {
		return nil
	}
	return &f
}

// most is how many bytes of a value are shown.
const most = 2000

// shown returns a value for a report.
func shown(v json.RawMessage) json.RawMessage {
	if len(bytes.TrimSpace(v)) == 0 {
		return json.RawMessage("null")
	}
	if len(v) > most {
		return text(string(v[:most]) + "…")
	}
	return v
}

func text(s string) json.RawMessage { return list(s) }

func list(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null") // strings can be marshalled
	}
	return data
}
