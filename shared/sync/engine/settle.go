package engine

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
	"github.com/act-platform/enhanced-integration/shared/sync/record"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// rounds is how often a record is planned anew at once because somebody changed its row meanwhile, or had it locked. After that it waits for
// the next look, as set aside.
const rounds = 3

// unlocking is how long a record whose row somebody else has locked waits for the next round: a transaction of an application is over by then,
// unless something keeps it.
const unlocking = 50 * time.Millisecond

// item is a record that is to be looked at.
type item struct {
	known journal.Known
	page  *record.Page // nil: nobody looked, it is as the base has it
	// unread: nobody looked lately, so that the page is read right before it is written. justRead: that was done.
	unread, justRead bool
	// left are writes to Notion of which it was not known whether they were made; page shows it.
	left []journal.Intent
	// rebased: what is known of left-over writes has moved the base, and it has to be stored.
	rebased bool
	// trashed: it was the sync that put the page into the trash. Nobody has deleted it in Notion, and what people wrote to it
	// until then counts as if it were still there.
	trashed bool
	// wrote are the values that the sync has written to the page since the base was taken.
	wrote record.Fields
	// shown is what the page showed when it was read before: of its relations it does not show any more what went into the trash since.
	shown record.Fields
}

// decision is what is to become of a record, and what has become of it so far.
type decision struct {
	item
	base record.Tree
	// latest is the base as Notion shows it: with the names that its options have by now.
	latest record.Tree
	plan   merge.Plan // the newest: once Notion has answered, what is still to be done
	// answered says whether the writes that were left over were made.
	answered []journal.Closed
	// intent is the write to Notion that the plan asks for, from when it is stored; made is what Notion took.
	intent *journal.Intent
	made   merge.Action
	// open: the write was not made, or nobody knows. Its intent stays, and the next run looks into it.
	open bool
	held bool // what the plan deletes is held
	// locked: somebody else has locked its row.
	locked bool
	// waits are the fields that wait, refused those of them that Notion has refused.
	waits, refused map[string]journal.FieldRefusal
	again          bool  // Notion has refused a field that was found out, and may take the others
	rekeyed        bool  // Notion has refused the row's key, for which the database is looked at again
	err            error // one side refuses the record
	// replaced is, in a dry run, what Notion showed before the write that was taken as made.
	replaced record.Tree
}

// settle plans the items, carries the plans out and commits. The error is one that concerns all of them; what one side
// refuses of a record is set aside with that record.
func (w *worker) settle(ctx context.Context, items []item, batch journal.Batch) (err error) {
	ctx, span := trace.Start(ctx, "sync settle", trace.Internal)
	span.Set(trace.Number("sync.records", int64(len(items))))
	defer func() { span.End(failureOf(err)) }()
	if w.unknown.Load() {
		return fault.New(fault.Internal, "The sync must look into a write whose answer was lost before it goes on.")
	}
	w.asked.clear()
	for round := 1; ; round++ {
		items = slices.DeleteFunc(items, func(it item) bool { return it.known.Aside }) // it may be since the round before
		decisions, late, err := w.decideAll(ctx, items)
		if err != nil {
			return err
		}
		if err := w.guard(ctx, decisions); err != nil {
			return err
		}
		broken := w.writeNotion(ctx, decisions)
		inTurn := errors.Is(broken, errDeadline) || errors.Is(broken, errAwaited) || errors.As(broken, new(unsharedError))
		if broken != nil && !inTurn && !stored(decisions) {
			return broken // before anything was written, and before the batch moved on
		}
		if broken = cmp.Or(broken, late); broken != nil {
			w.rewind()
			batch.Decided = nil // they are looked at again
		}
		moved, failed := w.commitInTime(ctx, batch, decisions)
		if failed != nil && errors.Is(broken, errAwaited) {
			return failed
		}
		if err = errors.Join(broken, failed); err != nil || len(moved) == 0 || round == rounds {
			return err
		}
		if slices.ContainsFunc(moved, func(d *decision) bool { return d.locked }) {
			pause(ctx, time.Duration(round)*unlocking)
		}
		if items, err = w.again(ctx, moved); err != nil {
			return err
		}
		batch = journal.Batch{}
	}
}

// decideAll plans the items, as many of the first as there is time for; late says that it was not enough.
func (w *worker) decideAll(ctx context.Context, items []item) (decisions []*decision, late, err error) {
	for i := range items {
		err := w.complete(ctx, items[i])
		if w.hide(ctx, err) {
			return w.decideAll(ctx, items) // without the field
		}
		if i > 0 && errors.Is(err, errDeadline) {
			return decisions, err, nil
		}
		if err != nil {
			return nil, nil, err
		}
		decisions = append(decisions, w.decide(items[i]))
	}
	return decisions, nil, nil
}

func stored(decisions []*decision) bool {
	for _, d := range decisions {
		if d.intent != nil {
			return true
		}
	}
	return false
}

// decide plans one record.
func (p *planner) decide(it item) *decision {
	d := &decision{item: it}
	if d.err = p.open(d); d.err == nil {
		d.refused = p.unasked(d)
		p.plan(d)
	}
	d.answered = p.answers(d)
	return d
}

// plan plans a record as it is now known; again, after Notion has answered a write.
func (p *planner) plan(d *decision) {
	notion := p.seen(d)
	d.waits = maps.Clone(d.refused)
	postgres, unread := p.lens.OfRow(d.known.Row, d.known.Base, d.base, notion)
	for _, f := range p.lens.Fields() {
		if err := unread[f.Column]; err != nil {
			p.wait(d, f, merge.Supabase, err)
		}
	}
	if d.known.Row == nil && d.base.State != record.None {
		postgres.State = record.Gone
	}
	if !notion.State.Alive() {
		p.sameMoved(d, postgres)
	}
	if d.trashed {
		notion.State = record.Live
	}
	base := d.base
	if d.known.Verdict == journal.Refused && base.State == record.Live {
		base.State = record.Archived // the side that has the record brings it back to the one that deleted it
	}
	base = p.untouched(d, base, notion)
	if base.State == record.Archived && postgres.State == record.Live {
		base = p.anew(base, postgres)
	}
	for _, f := range p.lens.Fields() {
		v, wrote := d.wrote[f.Column]
		if wrote && v == nil && f.Type == property.TypeStatus && notion.Fields[f.Column] != nil {
			// A status is never empty in Notion: cleared, it is what Notion makes of that, and so is the row's.
			base, postgres = base.With(record.Fields{f.Column: nil}), postgres.With(record.Fields{f.Column: nil})
		}
	}
	trees := merge.Trees{Base: base, Notion: notion, Postgres: postgres}
	trees.Decided = p.decided(d, notion, postgres)
	if !p.deletes(d, trees) {
		p.make(d, trees)
	}
	if d.page != nil && d.page.Elsewhere && d.plan.Notion.Op != merge.Nothing {
		// What outlived the page's move gets a page of its own here: the moved one belongs to another database.
		d.page = &record.Page{ID: d.page.ID, State: record.Gone}
		p.plan(d)
		return
	}
	p.renameMentions(d, trees)
	if d.plan.Notion.Op == merge.Create {
		moveAlong(d.plan.Notion, d.known.Moved)
	}
	if d.trashed {
		d.plan.Notion = fromTrash(d.plan)
	}
}

// anew returns the base of a record whose row is back, perhaps inserted anew: nobody emptied what only Notion computes.
func (p *planner) anew(base, postgres record.Tree) record.Tree {
	empty := record.Fields{}
	for _, f := range p.lens.Fields() {
		if !f.Type.Writable() && postgres.Fields[f.Column] == nil {
			empty[f.Column] = nil
		}
	}
	return base.With(empty)
}

// seen returns what Notion shows of a record, as far as anybody looked.
func (p *planner) seen(d *decision) record.Tree {
	if d.page == nil {
		return d.latest
	}
	known := d.latest.With(d.wrote)
	return p.lens.OfPage(d.page, known.With(withShown(known.Fields, d.shown)))
}

// renameMentions has a row follow the names of what its texts mention: a page that is renamed counts as no edit of those that mention it, in Notion
// either, and yet they show its new name.
func (p *planner) renameMentions(d *decision, trees merge.Trees) {
	if d.plan.State != record.Live || d.known.Row == nil || trees.Postgres.State != record.Live {
		return
	}
	for _, f := range p.lens.Fields() {
		shown, is := trees.Notion.Fields[f.Column].(property.Text)
		was, known := d.wrote[f.Column]
		if !known {
			was, known = trees.Base.Fields[f.Column]
		}
		column, has := d.known.Row.Columns[f.Column]
		_, waits := d.waits[f.Column]
		has = has && record.SameColumn(f.ColumnType, column, record.Column(f, was)) && !record.SameColumn(f.ColumnType, column, record.Column(f, shown))
		if is && known && has && !waits && property.Equal(was, shown) {
			d.plan.Postgres = d.plan.Postgres.With(record.Fields{f.Column: shown})
		}
	}
}

// withoutIdle takes out of a plan the writes that would change nothing: the side would show what it shows already.
func (p *planner) withoutIdle(d *decision, notion record.Tree) {
	drop := func(a merge.Action, idle func(mapping.Field, property.Value) bool) merge.Action {
		if a.Op != merge.Update {
			return a
		}
		for _, f := range p.lens.Fields() {
			if v, given := a.Fields[f.Column]; given && idle(f, v) {
				delete(a.Fields, f.Column)
			}
		}
		if len(a.Fields) == 0 {
			return merge.Action{}
		}
		return a
	}
	d.plan.Notion = drop(d.plan.Notion, func(f mapping.Field, v property.Value) bool {
		shown := notion.Fields[f.Column]
		return property.Equal(property.Stands(f.Type, v, shown), shown)
	})
	d.plan.Postgres = drop(d.plan.Postgres, func(f mapping.Field, v property.Value) bool {
		column, shown := d.known.Row.Columns[f.Column]
		return shown && record.SameColumn(f.ColumnType, column, record.ColumnOver(f, v, column))
	})
}

// fromTrash returns what Notion has to do with a page that was planned as live and is in the trash.
func fromTrash(p merge.Plan) merge.Action {
	if p.State == record.Live {
		return merge.Action{Op: merge.Restore, Fields: p.Notion.Fields}
	}
	return merge.Action{}
}

// rules returns the fields of a record that are in step, and how each is settled. What waits for a person waits, whatever the rule is
// by now.
func (p *planner) rules(d *decision) []merge.Field {
	var rules []merge.Field
	for _, f := range p.lens.Fields() {
		_, waits := d.waits[f.Column]
		rule := merge.Field{Name: f.Column, Waits: waits, Rule: merge.Rule(cmp.Or(f.Rule, p.lens.Kind.Rule, string(p.Connection.Rule))), Computed: f.Type.Computed()}
		if slices.ContainsFunc(d.known.Disputes, func(o journal.Dispute) bool { return o.Field == f.Column && !o.Decided }) {
			rule.Rule = merge.Manual
		}
		if !f.Type.Writable() {
			rule.Rule = merge.OneWay
		}
		rules = append(rules, rule)
	}
	return rules
}

// commitInTime commits also when the time for calls is over.
func (w *worker) commitInTime(ctx context.Context, batch journal.Batch, decisions []*decision) ([]*decision, error) {
	if ctx.Err() == nil || context.Cause(ctx) != context.DeadlineExceeded { //nolint:errorlint // it is never wrapped
		return w.commit(ctx, batch, decisions)
	}
	ctx, cancel := w.time.after(ctx)
	defer cancel()
	return w.commit(ctx, batch, decisions)
}

// commit stores what became of the decisions. It gives those whose rows somebody changed meanwhile, or has locked.
func (w *worker) commit(ctx context.Context, batch journal.Batch, decisions []*decision) (moved []*decision, err error) {
	ctx, span := trace.Start(ctx, "sync commit", trace.Internal)
	defer func() { span.End(failureOf(err)) }()
	var known []*decision
	for _, d := range decisions {
		if !d.open {
			known = append(known, d)
			s := w.settled(d)
			batch.Settled = append(batch.Settled, s)
			if w.part.Run.DryRun {
				batch.Previews = append(batch.Previews, w.previews(d, s)...)
			}
		}
	}
	batch.At, batch.Part, batch.Database = w.Now(), w.part, &w.database
	batch.Events = w.events
	outcomes, err := w.tables.Commit(ctx, w.lease, batch)
	if err != nil {
		return nil, err
	}
	w.events, w.stored, w.fresh = nil, true, true
	if !w.part.Run.DryRun { // which forgets nothing
		w.database.Forget = nil
	}
	for i, d := range known {
		w.count(d, outcomes[i], batch.Settled[i])
		if !outcomes[i].Applied && !outcomes[i].Refused {
			d.locked = outcomes[i].Locked
			moved = append(moved, d)
		}
	}
	return moved, nil
}

// again loads records whose rows were changed while they were worked on. What was seen of their pages still holds.
func (w *worker) again(ctx context.Context, moved []*decision) ([]item, error) {
	keys := make([]journal.Key, len(moved))
	for i, d := range moved {
		keys[i] = d.known.Key
	}
	known, err := w.load(ctx, keys)
	if err != nil {
		return nil, err
	}
	items := make([]item, len(known))
	for i, k := range known {
		items[i] = item{known: k, page: moved[i].page, unread: moved[i].unread}
	}
	return items, nil
}
