package journal

import "time"

// Status is how the sync is doing.
type Status struct {
	// Running are the runs that are queued or running, oldest first.
	Running []Progress
	// LastSuccess and LastRun are when a run last succeeded, and last ended; zero: never.
	LastSuccess, LastRun time.Time
	LastFailed           bool          // the last run that ended failed
	LastDuration         time.Duration // how long the last run that succeeded took
	Problems             []Problem     // what is wrong now, newest first
	Synced               int           // records that are in step
	Conflicts            int           // conflicts that have been settled
	Waiting              int           // conflicts that wait for a person
	Held                 []Hold        // deletions that wait for a person
	Doubtful             int           // pages of which somebody has to say which row they are
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
	Phase  Phase
	Counts Counts
}

// Problem is something that a person should look at: a database whose last sync failed, or a record that one side refuses.
type Problem struct {
	Kind     string
	RecordID string // "" when it concerns the whole database
	Message  string
	At       time.Time
}
