package checker

import (
	"context"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/consistency"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// standing is how long a check from Postgres alone stands for whoever asks again.
const standing = 30 * time.Second

// Reports keeps the runs, for those who ask.
type Reports interface {
	// Create stores a run that is queued; fault.Conflict, beside the other's id, while one is under way.
	Create(ctx context.Context, requestedBy string) (id string, err error)
	Finish(ctx context.Context, run consistency.Run) error
	// Latest returns the newest run that succeeded, UnderWay the one that has not ended; fault.NotFound when there is none.
	Latest(ctx context.Context, deep bool) (consistency.Run, error)
	UnderWay(ctx context.Context) (consistency.Run, error)
}

// Mender puts records right.
type Mender interface {
	// Restore puts a row that is gone back as the base has it.
	Restore(ctx context.Context, rowID string) (bool, error)
	// Confirm takes into the base what the row shows and the base's page confirms.
	Confirm(ctx context.Context, rowID string) error
	// Queue has the next sync look at a record on both sides.
	Queue(ctx context.Context, key journal.Key, reason string, at time.Time) error
}

// Requests takes what callers ask for.
type Requests struct {
	*Checker
	Reports Reports
	Mender  func(mapping.Kind) Mender
	// Send hands a run to the worker.
	Send func(ctx context.Context, id string) error
	// Sync starts a sync of some kinds, if none is under way.
	Sync  func(ctx context.Context, kinds []string) error
	NewID func() string
}

// Report is what is known of consistency.
type Report struct {
	Rows     consistency.Run  // from Postgres alone
	Deep     *consistency.Run // the newest against Notion; nil: none
	UnderWay *consistency.Run // the check against Notion that goes on; nil: none
}

// Read returns a report whose first part is at most half a minute old.
func (d *Requests) Read(ctx context.Context, requestedBy string) (Report, error) {
	var r Report
	rows, err := d.Reports.Latest(ctx, false)
	if age := d.Now().Sub(rows.CreatedAt); err != nil || age < 0 || age > standing {
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return r, err
		}
		if rows, err = d.check(ctx, requestedBy); err != nil {
			return r, err
		}
	}
	r.Rows = rows
	for _, part := range []struct {
		into **consistency.Run
		read func() (consistency.Run, error)
	}{
		{&r.Deep, func() (consistency.Run, error) { return d.Reports.Latest(ctx, true) }},
		{&r.UnderWay, func() (consistency.Run, error) { return d.Reports.UnderWay(ctx) }},
	} {
		run, err := part.read()
		if fault.KindOf(err) == fault.NotFound {
			continue
		}
		if err != nil {
			return r, err
		}
		*part.into = &run
	}
	return r, nil
}

func (d *Requests) check(ctx context.Context, requestedBy string) (consistency.Run, error) {
	run := consistency.Run{ID: d.NewID(), Status: "succeeded", RequestedBy: requestedBy, CreatedAt: d.Now()}
	var err error
	if run.Results, err = d.Check(ctx, ""); err != nil {
		return run, err
	}
	run.FinishedAt = d.Now()
	return run, d.Reports.Finish(ctx, run)
}

// Start begins a check against Notion. fault.Conflict, beside the other's id: one is under way. Where the queue cannot be reached the run has
// failed.
func (d *Requests) Start(ctx context.Context, requestedBy string) (string, error) {
	id, err := d.Reports.Create(ctx, requestedBy)
	if err != nil {
		return id, err
	}
	if err = d.Send(ctx, id); err != nil {
		run := consistency.Run{
			ID: id, Deep: true, Status: "failed", RequestedBy: requestedBy, CreatedAt: d.Now(), FinishedAt: d.Now(), Error: fault.Message(err),
		}
		if failed := d.Reports.Finish(context.WithoutCancel(ctx), run); failed != nil {
			d.Log.WarnContext(ctx, "a check that was not handed over gives way to the next after a while", "run", id, "error", failed)
		}
	}
	return id, err
}

// Named is a record that is to be repaired.
type Named struct {
	Kind     string `json:"database"`
	RecordID string `json:"record_id"`
	PageID   string `json:"notion_id"`
}

// Refusal says why a record was not queued.
type Refusal struct {
	Named
	Reason string `json:"reason"`
}

// Repair queues exactly the records named, as far as the newest reports say that they can be repaired, and starts a sync of their
// databases. Naming a record twice does no harm.
func (d *Requests) Repair(ctx context.Context, records []Named) (queued []Named, refused []Refusal, err error) {
	report, err := d.Read(ctx, "repair")
	if err != nil {
		return nil, nil, err
	}
	queued, refused = []Named{}, []Refusal{}
	kinds := map[string]bool{}
	for _, n := range records {
		kind, finding, reason := d.repairable(report, n)
		if reason != "" {
			refused = append(refused, Refusal{n, reason})
			continue
		}
		if err := d.mend(ctx, kind, finding); err != nil {
			return queued, refused, err
		}
		kinds[n.Kind] = true
		queued = append(queued, n)
	}
	var names []string
	for _, k := range d.Kinds {
		if kinds[k.Name] {
			names = append(names, k.Name)
		}
	}
	if len(names) == 0 {
		return queued, refused, nil
	}
	if err := d.Sync(ctx, names); err != nil && fault.KindOf(err) != fault.Conflict { // the one under way, or the next, takes them
		return queued, refused, err
	}
	return queued, refused, nil
}

// repairable finds what is wrong with a record, or why it cannot be repaired.
func (d *Requests) repairable(report Report, n Named) (mapping.Kind, consistency.Finding, string) {
	var kind mapping.Kind
	for _, k := range d.Kinds {
		if k.Name == n.Kind {
			kind = k
		}
	}
	if kind.Name == "" {
		return kind, consistency.Finding{}, "There is no such database."
	}
	finding, found := consistency.Finding{}, false
	if report.Deep != nil { // it knows more
		finding, found = report.Deep.Find(n.Kind, n.RecordID, n.PageID)
	}
	if !found {
		finding, found = report.Rows.Find(n.Kind, n.RecordID, n.PageID)
	}
	if !found {
		return kind, finding, "No inconsistency of it is known. GET /data-consistency lists those that are."
	}
	if ok, advice := finding.Repairable(); !ok {
		return kind, finding, advice
	}
	return kind, finding, ""
}

func (d *Requests) mend(ctx context.Context, kind mapping.Kind, f consistency.Finding) error {
	m := d.Mender(kind)
	key := journal.Key{PageID: f.PageID, RowID: f.RecordID}
	if f.Problem == consistency.PageUnlinked {
		key.RowID = RowID(d.ConnectionID, f.PageID)
	}
	if f.Problem == consistency.RowUnlinked {
		key.PageID = ""
	}
	switch f.Problem {
	case consistency.RowMissing:
		if _, err := m.Restore(ctx, f.RecordID); err != nil {
			return err
		}
	case consistency.RowDiffers:
		if err := m.Confirm(ctx, f.RecordID); err != nil {
			return err
		}
	default:
	}
	return m.Queue(ctx, key, "Queued for repair: "+string(f.Problem), d.Now())
}
