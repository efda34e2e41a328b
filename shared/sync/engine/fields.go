package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
)

// follow finds out, at the beginning of a listing, which property and which column hold each field, and which fields are out of step.
// The pages themselves do not tell all of it: a relation to a database that is not shared looks empty, and nobody edits a page by renaming
// an option.
func (w *worker) follow(ctx context.Context) error {
	schema, err := w.notion.Schema(ctx, w.database.DataSourceID)
	if err != nil {
		return err
	}
	bound, drifts := w.lens.Kind.Bind(w.database.Binding, schema)
	w.database.RowKey = ""
	if key, usable, _ := w.lens.Kind.RowKey(schema, bound); usable {
		w.database.RowKey = key.ID
	}
	unshared, err := w.unshared(ctx, bound)
	if err != nil {
		return err
	}
	w.take(ctx, bound, drifts, unshared)
	return nil
}

// remember stores what is known of the fields before anything follows from it.
func (w *worker) remember(ctx context.Context) error {
	if w.fresh {
		return nil
	}
	_, err := w.commit(ctx, journal.Batch{}, nil)
	return err
}

// bind follows the database's properties as a listing shows them, nil when it showed none. What no longer fits is asked again
// of the schema itself before a field is taken out of step.
func (w *worker) bind(ctx context.Context, live []mapping.Live) error {
	if live == nil && w.database.Binding != nil {
		return nil
	}
	bound, drifts := w.lens.Kind.Bind(w.database.Binding, live)
	known := func(d mapping.Drift) bool {
		hidden := func(known mapping.Drift) bool { return known.Field == d.Field && known.Change == mapping.Unshared }
		return !d.Stops() || slices.Contains(w.database.Drifts, d) || slices.ContainsFunc(w.database.Drifts, hidden)
	}
	if live == nil || slices.ContainsFunc(drifts, func(d mapping.Drift) bool { return !known(d) || d.Change == mapping.Replaced }) {
		return w.follow(ctx)
	}
	var unshared []mapping.Drift
	for _, d := range w.database.Drifts {
		if d.Change == mapping.Unshared {
			unshared = append(unshared, d)
		}
	}
	w.take(ctx, bound, drifts, unshared)
	return nil
}

// take takes in what holds the fields, and tells of what has changed.
func (w *worker) take(ctx context.Context, bound mapping.Binding, drifts, unshared []mapping.Drift) {
	hidden := func(d mapping.Drift) bool {
		return d.Change == mapping.Removed && slices.ContainsFunc(unshared, func(u mapping.Drift) bool { return u.Field == d.Field })
	}
	drifts = slices.Concat(slices.DeleteFunc(drifts, hidden), unshared)
	places := map[string]string{}
	for field, column := range w.columns {
		places[field] = column.Place
	}
	_, wrong := w.lens.Kind.With(journal.CatalogueOf(w.columns))
	drifts = append(drifts, wrong...)
	slices.SortFunc(drifts, func(a, b mapping.Drift) int {
		return cmp.Or(strings.Compare(a.Field, b.Field), strings.Compare(string(a.Change), string(b.Change)), strings.Compare(a.Is, b.Is))
	})
	met := w.database.Binding != nil // else what no field holds was always there
	for _, d := range drifts {
		if !slices.Contains(w.database.Drifts, d) && (met || d.Change != mapping.Added) {
			w.log.WarnContext(ctx, "a field changed", "field", d.Field, "change", d.Change, "was", d.Was, "is", d.Is)
			source := event.Notion
			if d.OfColumn() {
				source = event.Supabase
			}
			w.emit(event.SchemaChanged, source, event.Integration, drifted{w.part.Kind, d})
		}
	}
	before := w.database
	w.database.Follow(w.lens.Kind, bound, places, drifts)
	w.fresh = w.fresh && w.database.Same(before)
	w.renames = w.database.Renames
	w.lens.Binding = w.database.InStep()
}

// unshared returns the relations that lead to databases which the integration still cannot see, one request a database. Of others
// nobody asks: that one has come to be hidden is found out where the property is left out, from a page that shows less than is known, or from a
// link that Notion refuses.
func (w *worker) unshared(ctx context.Context, bound mapping.Binding) ([]mapping.Drift, error) {
	var unshared []mapping.Drift
	w.asked.recheck()
	for _, f := range w.lens.Kind.Fields {
		live, shown := bound[f.Column]
		if !shown {
			live = w.database.Binding[f.Column] // Notion may leave out a property that leads where the integration sees nothing
		}
		hidden := func(d mapping.Drift) bool { return d.Field == f.Column && d.Change == mapping.Unshared }
		if live.Type != property.TypeRelation || shown && !slices.ContainsFunc(w.database.Drifts, hidden) {
			continue
		}
		sees, err := w.sees(ctx, live.RelatedTo)
		if err != nil {
			return nil, err
		}
		if !sees {
			unshared = append(unshared, mapping.Drift{Field: f.Column, Change: mapping.Unshared, Was: live.Name})
		}
	}
	return unshared, nil
}

// sees reports whether the integration can see a related data source. It asks once until recheck.
func (w *worker) sees(ctx context.Context, dataSourceID string) (bool, error) {
	if dataSourceID == "" || dataSourceID == w.database.DataSourceID {
		return true, nil
	}
	if sees, known := w.asked.seen(dataSourceID); known {
		return sees, nil
	}
	sees, err := w.notion.Sees(ctx, dataSourceID)
	if err == nil {
		w.asked.see(dataSourceID, sees)
	}
	return sees, err
}

// unsharedError says that the database to which a relation leads turned out not to be shared while a batch was worked on.
type unsharedError struct{ field string }

func (e unsharedError) Error() string {
	return fmt.Sprintf("The database to which %s leads is not there any more, or not shared with the integration.", e.field)
}

// certain returns an error where a relation of which a page shows less than is known leads to a database that cannot be seen: then what the
// page shows means nothing.
func (w *worker) certain(ctx context.Context, page *record.Page, known record.Fields) error {
	for _, f := range w.lens.Fields() {
		if f.Type != property.TypeRelation || len(w.lens.Unseen(page, record.Fields{f.Column: known[f.Column]})) == 0 {
			continue
		}
		if err := w.certainOf(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) certainOf(ctx context.Context, f mapping.Field) error {
	sees, err := w.sees(ctx, w.lens.Binding[f.Column].RelatedTo)
	if err == nil && !sees {
		return unsharedError{f.Column}
	}
	return err
}

// hide takes a field out of step whose related database cannot be seen any more. False: the error is another.
func (w *worker) hide(ctx context.Context, err error) bool {
	unshared, is := errors.AsType[unsharedError](err)
	if !is {
		return false
	}
	drifts := slices.Clone(w.database.Drifts)
	also := []mapping.Drift{{Field: unshared.field, Change: mapping.Unshared, Was: w.lens.Binding[unshared.field].Name}}
	drifts = slices.DeleteFunc(drifts, func(d mapping.Drift) bool {
		if d.Change == mapping.Unshared {
			also = append(also, d)
		}
		return d.Lasting()
	})
	w.take(ctx, w.database.Binding, drifts, also)
	return true
}

// look loads what Postgres has of records. What is about to be forgotten is not known any more.
func (w *worker) load(ctx context.Context, keys []journal.Key) ([]journal.Known, error) {
	known, err := w.tables.Look(ctx, keys)
	for _, k := range known {
		if k.Base != nil {
			for _, field := range w.database.Forget {
				delete(k.Base.Columns, field)
			}
		}
	}
	return known, err
}

// locate loads what is known of the database, and finds it in Notion at first contact.
func (w *worker) locate(ctx context.Context) error {
	id := w.Connection.DatabaseIDs[w.part.Kind]
	if id == "" {
		return fault.New(fault.Invalid, "No Notion database is set for %s: set %s.", w.part.Kind, w.lens.Kind.DatabaseIDVariable)
	}
	if err := w.tables.Move(ctx, w.lease); err != nil {
		return err
	}
	known, size, err := w.tables.Database(ctx)
	if err != nil {
		return err
	}
	another := known != nil && !sameID(known.DatabaseID, id)
	if another && size > 0 {
		return fault.New(fault.Invalid, "%s holds %d records of the Notion database %s, and %s names another. "+
			"Set it back, or empty %s and %s first.", w.lens.Kind.Table, size, known.DatabaseID, w.lens.Kind.DatabaseIDVariable,
			w.lens.Kind.Table, w.lens.Kind.BaseTable)
	}
	if known == nil || another {
		for kind, other := range w.Connection.DatabaseIDs {
			if kind != w.part.Kind && sameID(other, id) {
				return fault.New(fault.Invalid, "The Notion database %s is set for %s and for %s. Set one of them to another: a page is a row of one table.", id, kind, w.part.Kind)
			}
		}
		source, err := w.notion.Locate(ctx, id)
		if err != nil {
			return err
		}
		known = &journal.Database{DatabaseID: id, DataSourceID: source}
	}
	if w.columns, err = w.tables.Columns(ctx); err != nil {
		return err
	}
	w.lens.Kind, _ = w.lens.Kind.With(journal.CatalogueOf(w.columns))
	w.database, w.size, w.fresh = *known, size, true
	w.lens.Binding, w.renames = known.InStep(), known.Renames
	if known.Binding != nil { // a column may have gone since
		unshared := slices.Collect(func(yield func(mapping.Drift) bool) {
			for _, d := range known.Drifts {
				if d.Change == mapping.Unshared && !yield(d) {
					return
				}
			}
		})
		drifts := slices.DeleteFunc(slices.Clone(known.Drifts), mapping.Drift.Lasting)
		w.take(ctx, known.Binding, drifts, unshared)
	}
	w.mark()
	return nil
}

// sameID reports whether two spellings, with dashes or without, are of one id.
func sameID(a, b string) bool {
	one, _ := property.DashedID(a)
	other, _ := property.DashedID(b)
	return a == b || one != "" && one == other
}
