package sidetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/postgres/records"
)

// TB is what a test has, a drawn one (rapid.T) too.
type TB interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Context() context.Context
}

// Agree fails the test unless Notion, base and rows of all databases, or of those named, hold the same: as many live records of each
// kind, and in each the same values, as far as columns can show them.
func (w *World) Agree(tb TB, kinds ...string) {
	tb.Helper()
	if differences := w.Differences(tb, kinds...); len(differences) > 0 {
		tb.Fatalf("the sides differ:\n%s", strings.Join(differences, "\n"))
	}
}

// Differences says in what Notion, base and rows differ, of all databases or of those named.
func (w *World) Differences(tb TB, kinds ...string) []string {
	tb.Helper()
	var all []string
	for _, k := range w.Syncer.Connection.Mapping.Kinds {
		if len(kinds) > 0 && !slices.Contains(kinds, k.Name) {
			continue
		}
		if id := w.Syncer.Connection.DatabaseIDs[k.Name]; id != "" {
			all = append(all, w.differences(tb, k, id)...)
		}
	}
	return all
}

// page is what of a page says which it is.
type page struct {
	ID      string `json:"id"`
	InTrash bool   `json:"in_trash"`
}

func (w *World) differences(tb TB, kind mapping.Kind, databaseID string) []string {
	tb.Helper()
	var differences []string
	differ := func(format string, args ...any) {
		differences = append(differences, kind.Name+": "+fmt.Sprintf(format, args...))
	}
	tables := records.New(w.Pool, config.DefaultConnection, w.Syncer.Connection.Mapping, kind, newID)
	raws, err := w.Sim.Pages(databaseID)
	if err != nil {
		tb.Fatal(err)
	}
	database, size, err := tables.Database(tb.Context())
	if err != nil || database == nil {
		tb.Fatal("the database was never synced", err)
	}
	columns, err := tables.Columns(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	kind, _ = kind.With(journal.CatalogueOf(columns))
	lens := record.Lens{Kind: kind, Binding: database.InStep()}
	pages := make([]page, len(raws))
	keys := make([]journal.Key, len(raws))
	for i, raw := range raws {
		if err := json.Unmarshal(raw, &pages[i]); err != nil {
			tb.Fatal(err)
		}
		keys[i] = journal.Key{PageID: pages[i].ID, RowID: newID()}
	}
	known, err := tables.Look(tb.Context(), keys)
	if err != nil {
		tb.Fatal(err)
	}
	live := 0
	for i, page := range pages {
		if !page.InTrash {
			live++
			for _, d := range disagreement(tb, lens, raws[i], known[i]) {
				differ("page %s: %s", page.ID, d)
			}
		} else if known[i].Row != nil && known[i].Row.State == record.Live {
			differ("page %s is in the trash, its row is live", page.ID)
		}
	}
	for _, r := range w.Syncer.Connection.Mapping.Relations(kind.Name) {
		waiting := Query[int](tb, w, fmt.Sprintf(`select count(*) from integration.sync_waiting_relations w join %s b on b.notion_id = w.page_id
			join %s using (id) join %s o on o.id = w.row_id where w.kind = $1 and w.field = $2`, r.Related.BaseTable, r.Related.Table, kind.Table), kind.Name, r.Field)
		if waiting > 0 {
			differ("%d relations of %s wait for rows that are there", waiting, r.Field)
		}
	}
	rows := Query[int](tb, w, fmt.Sprintf(`select count(*) from %s where archived_at is null`, kind.Table))
	if live != rows || live != size {
		differ("%d pages, %d rows, %d in the base", live, rows, size)
	}
	return differences
}

// disagreement says in which fields a live page differs from its row and its base.
func disagreement(tb TB, lens record.Lens, raw json.RawMessage, known journal.Known) []string {
	tb.Helper()
	if known.Base == nil || known.Row == nil {
		return []string{fmt.Sprintf("base %t, row %t", known.Base != nil, known.Row != nil)}
	}
	properties, err := record.DecodeProperties(raw)
	if err != nil {
		tb.Fatal(err)
	}
	base, err := lens.OfBase(known.Base)
	if err != nil {
		tb.Fatal(err)
	}
	var differences []string
	if known.Row.State != record.Live || known.Base.State != record.Live {
		differences = append(differences, fmt.Sprintf("the row is %s, the base %s", known.Row.State, known.Base.State))
	}
	for _, f := range lens.Fields() {
		v := properties[lens.Binding[f.Column].ID].Value
		if f.Join != nil {
			v = record.WithAsleep(v, base.Fields[f.Column], known.Asleep)
		}
		if !property.Equal(v, base.Fields[f.Column]) {
			differences = append(differences, fmt.Sprintf("%s is %v, in the base %v", f.Column, v, base.Fields[f.Column]))
		}
		column, shown := known.Row.Columns[f.Column], record.Column(f, v)
		filled := v == nil && f.Stored != nil && f.Stored.Fills() && record.SameColumn(f.ColumnType, column, known.Base.Columns[f.Column])
		if !filled && !record.Agrees(f, column, v) {
			differences = append(differences, fmt.Sprintf("%s shows %s, in the row %s", f.Column, shown, column))
		}
	}
	return differences
}
