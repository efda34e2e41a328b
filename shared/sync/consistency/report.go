package consistency

import "time"

// Run is a check of all databases, or of one.
type Run struct {
	ID          string
	Deep        bool   // Notion was asked
	Status      string // queued, running, succeeded, failed
	RequestedBy string
	CreatedAt   time.Time
	FinishedAt  time.Time // zero: it goes on
	Progress    Progress
	Results     []Result
	Error       string
}

// Progress is how far a check that asks Notion is.
type Progress struct {
	Database  string `json:"database,omitempty"`
	PagesRead int    `json:"pages_read"`
}

// Found returns how many records do not fit together, and how many of them are missing on one side.
func (r Run) Found() (found, missing int) {
	for _, result := range r.Results {
		found += result.Found
		missing += result.Missing
	}
	return found, missing
}

// Find returns the finding of a record, by its row's or its page's id.
func (r Run) Find(kind, recordID, pageID string) (Finding, bool) {
	for _, result := range r.Results {
		for _, f := range result.Findings {
			if f.Kind == kind && f.Problem != RelationBroken && (recordID != "" && f.RecordID == recordID || pageID != "" && f.PageID == pageID) {
				return f, true
			}
		}
	}
	return Finding{}, false
}
