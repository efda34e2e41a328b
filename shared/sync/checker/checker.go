// Package checker checks whether Notion, base and rows still hold the same, and queues for repair what does not.
package checker

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/consistency"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// chunk is how many records are compared at a time.
const chunk = 200

// Tables is the Postgres side of one database.
type Tables interface {
	Database(ctx context.Context) (*journal.Database, int, error)
	Look(ctx context.Context, keys []journal.Key) ([]journal.Known, error)
	Intended(ctx context.Context) ([]journal.Intent, error)
	// Count returns how many records there are to check.
	Count(ctx context.Context) (int, error)
	// Suspects returns the rows' ids, after the given one, of records whose base and row are not plainly the same.
	Suspects(ctx context.Context, after string, limit int) ([]string, error)
	// Absent returns live records that neither shown names nor the run has seen.
	Absent(ctx context.Context, runID string, shown []string, after string, limit int) ([]journal.Key, error)
	LivePages(ctx context.Context) ([]string, error)
}

// Notion is the Notion side of one database.
type Notion interface {
	List(ctx context.Context, dataSourceID string, since time.Time, cursor string) (journal.Listing, error)
	Page(ctx context.Context, pageID string) (record.Page, error)
	Complete(ctx context.Context, page *record.Page, propertyIDs []string) error
	Relations(ctx context.Context, dataSourceID string) ([]consistency.Relation, error)
}

// History keeps the runs.
type History interface {
	// Begin marks a run as running and gives it; fault.NotFound when there is none, fault.Conflict when it has ended.
	Begin(ctx context.Context, id string) (consistency.Run, error)
	Progress(ctx context.Context, id string, p consistency.Progress) error
	// Finish stores how a run ended, and the event that says so.
	Finish(ctx context.Context, run consistency.Run) error
}

// Config is what a Checker works with.
type Config struct {
	ConnectionID string
	Kinds        []mapping.Kind // those that are synced
	Tables       func(mapping.Kind) Tables
	Notion       func(mapping.Kind) Notion // only for deep checks
	History      History
	Now          func() time.Time
	Log          *slog.Logger
}

// Checker checks.
type Checker struct{ Config }

// New makes a Checker.
func New(c Config) *Checker { return &Checker{c} }

// Check compares the base with the tables, from Postgres alone. kind "" means all.
func (a *Checker) Check(ctx context.Context, kind string) ([]consistency.Result, error) {
	var results []consistency.Result
	for _, k := range a.Kinds {
		if kind != "" && k.Name != kind {
			continue
		}
		d, err := a.open(ctx, k)
		if err != nil {
			return nil, err
		}
		result, err := d.rows(ctx)
		if err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	return results, nil
}

// Work carries out a run that asks Notion. It may be called again with the same run: one that has ended stays as it is, one that was
// broken off begins anew. The error is one to try again for; what goes wrong in Notion stands in the run.
func (a *Checker) Work(ctx context.Context, id string) error {
	run, err := a.History.Begin(ctx, id)
	if fault.KindOf(err) == fault.Conflict {
		return nil
	}
	if err != nil {
		return err
	}
	run.Progress = consistency.Progress{}
	run.Results, err = a.deep(ctx, &run)
	run.Status, run.FinishedAt = "succeeded", a.Now()
	if err != nil {
		a.Log.ErrorContext(ctx, "consistency check failed", "run", id, "error", err)
		run.Status, run.Error = "failed", fault.Message(err)
	}
	return a.History.Finish(context.WithoutCancel(ctx), run)
}

func (a *Checker) deep(ctx context.Context, run *consistency.Run) ([]consistency.Result, error) {
	results, err := a.Check(ctx, "")
	if err != nil {
		return nil, err
	}
	inStep := map[string]map[string]bool{} // pages by data source
	var open []*database
	for _, k := range a.Kinds {
		d, err := a.open(ctx, k)
		if err != nil {
			return nil, err
		}
		if d.known == nil {
			continue // it was never synced
		}
		pages, err := d.tables.LivePages(ctx)
		if err != nil {
			return nil, err
		}
		inStep[d.known.DataSourceID] = map[string]bool{}
		for _, id := range pages {
			inStep[d.known.DataSourceID][id] = true
		}
		open = append(open, d)
	}
	for _, d := range open {
		run.Progress.Database = d.kind.Name
		pages, relations, err := d.pages(ctx, inStep, func(read int) error {
			run.Progress.PagesRead += read
			return a.History.Progress(ctx, run.ID, run.Progress)
		})
		if err != nil {
			return nil, err
		}
		settleUnlinked(results, pages)
		results = append(results, pages, relations)
	}
	return results, nil
}

// settleUnlinked takes up what the pages say of rows without a base: those that have a page are told of there, the others have none.
func settleUnlinked(results []consistency.Result, pages consistency.Result) {
	for i := range results {
		if results[i].Kind != pages.Kind || results[i].Check != consistency.Rows {
			continue
		}
		linked := func(f consistency.Finding) bool {
			return f.Problem == consistency.RowUnlinked && slices.ContainsFunc(pages.Findings, func(p consistency.Finding) bool {
				return p.Problem == consistency.Unlinked && p.RecordID == f.RecordID
			})
		}
		before := len(results[i].Findings)
		results[i].Findings = slices.DeleteFunc(results[i].Findings, linked)
		gone := before - len(results[i].Findings)
		results[i].Found -= gone
		results[i].Missing -= gone
		for j := range results[i].Findings {
			results[i].Findings[j].NoPage = results[i].Findings[j].Problem == consistency.RowUnlinked
		}
	}
}

// database is one that is being checked.
type database struct {
	*Checker
	kind   mapping.Kind
	tables Tables
	known  *journal.Database
	lens   consistency.Lens
	busy   map[string]bool // rows of which a write to Notion is under way
}

func (a *Checker) open(ctx context.Context, k mapping.Kind) (*database, error) {
	d := &database{Checker: a, kind: k, tables: a.Tables(k), busy: map[string]bool{}}
	var err error
	if d.known, _, err = d.tables.Database(ctx); err != nil {
		return nil, err
	}
	d.lens = consistency.Lens{Lens: record.Lens{Kind: k}}
	if d.known != nil {
		d.lens.Binding = d.known.InStep()
	}
	intents, err := d.tables.Intended(ctx)
	for _, i := range intents {
		d.busy[i.Key.RowID] = true
	}
	return d, err
}

// waits reports whether the next sync takes in what was found anyway, or a person has been asked which side is right.
func (d *database) waits(k journal.Known, f *consistency.Finding) bool {
	disputed := func(one consistency.Difference) bool {
		return slices.ContainsFunc(k.Disputes, func(d journal.Dispute) bool { return d.Field == one.Field })
	}
	return len(k.Changes) > 0 || d.busy[k.Key.RowID] ||
		len(f.Fields) > 0 && !slices.ContainsFunc(f.Fields, func(one consistency.Difference) bool { return !disputed(one) })
}

// rows compares the base with the table.
func (d *database) rows(ctx context.Context) (consistency.Result, error) {
	result := consistency.Result{Check: consistency.Rows, Kind: d.kind.Name, Table: d.kind.Table, Base: d.kind.BaseTable, Findings: []consistency.Finding{}}
	var err error
	if result.Checked, err = d.tables.Count(ctx); err != nil {
		return result, err
	}
	for after := ""; ; {
		ids, err := d.tables.Suspects(ctx, after, chunk)
		if err != nil || len(ids) == 0 {
			return result, err
		}
		after = ids[len(ids)-1]
		keys := make([]journal.Key, len(ids))
		for i, id := range ids {
			keys[i].RowID = id
		}
		known, err := d.tables.Look(ctx, keys)
		if err != nil {
			return result, err
		}
		for _, k := range known {
			switch f := d.lens.Row(k); {
			case f == nil:
			case d.waits(k, f):
				result.Waiting++
			default:
				result.Add(*f)
			}
		}
	}
}

// pages compares the base with Notion's pages, and their relations with what is in step.
func (d *database) pages(ctx context.Context, inStep map[string]map[string]bool, progress func(read int) error) (pages, relations consistency.Result, err error) {
	pages = consistency.Result{Check: consistency.Pages, Kind: d.kind.Name, Table: d.kind.Table, Base: d.kind.BaseTable, Findings: []consistency.Finding{}}
	relations = pages
	relations.Check, relations.Findings = consistency.Relations, []consistency.Finding{}
	notion := d.Notion(d.kind)
	leads, err := notion.Relations(ctx, d.known.DataSourceID)
	if err != nil {
		return pages, relations, err
	}
	leads = slices.DeleteFunc(leads, func(r consistency.Relation) bool { return inStep[r.DataSourceID] == nil })
	seen := []string{}
	for cursor := ""; ; {
		listing, err := notion.List(ctx, d.known.DataSourceID, time.Time{}, cursor)
		if err != nil {
			return pages, relations, err
		}
		if err := d.compare(ctx, notion, listing.Pages, &pages); err != nil {
			return pages, relations, err
		}
		for _, p := range listing.Pages {
			seen = append(seen, p.ID)
			relations.Checked++
			f := consistency.Broken(d.kind, p, leads, func(source, id string) bool { return inStep[source][id] })
			if f != nil && !d.recent(p) {
				relations.Add(*f)
			}
		}
		if err := progress(len(listing.Pages)); err != nil {
			return pages, relations, err
		}
		if cursor = listing.Next; cursor == "" {
			return pages, relations, d.absent(ctx, notion, seen, &pages)
		}
	}
}

// absent asks for each page that the listing did not show.
func (d *database) absent(ctx context.Context, notion Notion, seen []string, result *consistency.Result) error {
	for after := ""; ; {
		keys, err := d.tables.Absent(ctx, uuid.Nil.String(), seen, after, chunk)
		if err != nil || len(keys) == 0 {
			return err
		}
		after = keys[len(keys)-1].RowID
		pages := make([]record.Page, len(keys))
		for i, k := range keys {
			page, err := notion.Page(ctx, k.PageID)
			if fault.KindOf(err) == fault.NotFound {
				page, err = record.Page{ID: k.PageID, State: record.Gone}, nil
			}
			if err != nil {
				return err
			}
			if page.State == record.Live && page.DataSourceID != d.known.DataSourceID {
				page.State = record.Archived
			}
			pages[i] = page
		}
		if err := d.compare(ctx, notion, pages, result); err != nil {
			return err
		}
	}
}

// recent reports whether a page was edited after what the sync has seen.
func (d *database) recent(p record.Page) bool { return !p.EditedAt.Before(d.known.NotionThrough) }

func (d *database) compare(ctx context.Context, notion Notion, pages []record.Page, result *consistency.Result) error {
	keys := make([]journal.Key, len(pages))
	for i, p := range pages {
		keys[i] = journal.Key{PageID: p.ID, RowID: d.rowIDOf(p)}
	}
	known, err := d.tables.Look(ctx, keys)
	if err != nil {
		return err
	}
	for i, k := range known {
		if k.Base != nil && k.Base.PageID != pages[i].ID { // the copy of a page carries the original's key
			k = journal.Known{Key: journal.Key{PageID: pages[i].ID, RowID: RowID(d.ConnectionID, pages[i].ID)}}
		}
		result.Checked++
		if err := d.complete(ctx, notion, &pages[i], k); err != nil {
			return err
		}
		switch f := d.lens.Page(pages[i], k); {
		case f == nil:
		case d.waits(k, f) || pages[i].State != record.Gone && d.recent(pages[i]):
			result.Waiting++
		default:
			result.Add(*f)
		}
	}
	return nil
}

// complete fetches what Notion cut of a page that was edited since the base was taken.
func (d *database) complete(ctx context.Context, notion Notion, p *record.Page, k journal.Known) error {
	if k.Base == nil || p.State != record.Live || p.EditedAt.Equal(record.EditedAt(k.Base.Document)) {
		return nil
	}
	var cut []string
	for _, live := range d.lens.Binding {
		if p.Properties[live.ID].Truncated && p.Properties[live.ID].Type == live.Type {
			cut = append(cut, live.ID)
		}
	}
	slices.Sort(cut)
	return notion.Complete(ctx, p, cut)
}

// rowIDOf returns the row that a page says it is of: the one whose key it carries, else the one that it would get.
func (d *database) rowIDOf(p record.Page) string {
	if _, err := uuid.Parse(p.RowKey); err == nil {
		return p.RowKey
	}
	return RowID(d.ConnectionID, p.ID)
}

// RowID returns the id of the row that a page gets which was born in Notion.
func RowID(connectionID, pageID string) string {
	connection, err := uuid.Parse(connectionID)
	if err != nil {
		return uuid.Nil.String() // a connection's id is one
	}
	return uuid.NewSHA1(connection, []byte(pageID)).String()
}
