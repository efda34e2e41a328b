package journal

import (
	"math"
	"time"

	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// Status is how the sync is doing.
type Status struct {
	// Running are the runs that are queued or running, oldest first.
	Running []Progress
	// LastSuccess and LastRun are when a run last succeeded, and last ended; zero: never.
	LastSuccess, LastRun time.Time
	LastFailed           bool          // the last run that ended failed
	LastDuration         time.Duration // how long the last run that succeeded took
	Problems             []Problem     // what is wrong now: of whole databases, then of records, newest first
	Synced               int           // records that are in step
	Conflicts            int           // conflicts that have been settled
	Waiting              int           // conflicts that wait for a person
	Held                 []Hold        // deletions that wait for a person
	Stalled              []Stall       // databases whose sync nobody works on
	Locked               []Problem     // records that wait for a lock of somebody else's to go, the longest waiting first
	Doubtful             int           // pages of which somebody has to say which row they are
	OutOfStep            []OutOfStep   // fields that are neither read nor written, by database and field
}

// OutOfStep is a field of a database that is out of step, and why.
type OutOfStep struct {
	Kind string
	mapping.Drift
}

// Progress is how far a run is.
type Progress struct {
	RunID     string
	Type      Type
	DryRun    bool
	StartedAt time.Time
	Databases map[string]PartProgress
}

// PartProgress is how far a part of a run is.
type PartProgress struct {
	Status string
	At     Checkpoint
	Counts Counts
	// StartedAt is when it was begun; zero: it is queued.
	StartedAt time.Time
}

// Pace is how far a part is, and how fast it goes: in pages, and in the phase push in rows that changed.
type Pace struct {
	Done      int           `json:"done"`               // read, or looked at
	Expected  int           `json:"expected,omitempty"` // about so many; 0: nobody knows
	PerSecond *float64      `json:"per_second"`         // null: nothing is done yet
	Left      time.Duration `json:"-"`                  // until the phase ends, where that is known; else 0
}

// Pace tells how far the part is in its phase, and how fast it has gone since that began.
func (p PartProgress) Pace(now time.Time) Pace {
	pace, began := Pace{Done: p.Counts.Read, Expected: p.At.Expected}, p.StartedAt
	switch {
	case p.At.Phase == Pushing:
		pace, began = Pace{Done: p.At.Rows - p.At.Left, Expected: p.At.Rows}, p.At.PushBegan
	case p.At.Phase == Missing:
		pace.Expected = pace.Done
	case pace.Done > pace.Expected: // there are more than anybody thought
		pace.Expected = 0
	}
	taken := now.Sub(began)
	if began.IsZero() || taken <= 0 || pace.Done == 0 {
		return pace
	}
	pace.PerSecond = new(math.Round(10*float64(pace.Done)/taken.Seconds()) / 10)
	if left := pace.Expected - pace.Done; left > 0 {
		pace.Left = time.Duration(float64(taken) * float64(left) / float64(pace.Done)).Round(time.Second)
	}
	return pace
}

// Stall is a database whose sync waits with nobody at work on it.
type Stall struct {
	Kind  string
	Since time.Time
}

// Problem is something that a person should look at: a database whose last sync failed, or a record that one side refuses.
type Problem struct {
	Kind     string
	RecordID string // "" when it concerns the whole database
	Message  string
	At       time.Time
}
