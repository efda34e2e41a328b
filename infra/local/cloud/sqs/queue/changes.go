package queue

// Changes are what must be written for the queue to be found again as it is now. A nil value is a key to remove.
type Changes struct {
	Messages   map[uint64]*Message   // by sequence
	Duplicates map[string]*Duplicate // by key
}

// Changes returns what changed since Saved was last called. It is valid until the queue changes again.
func (q *Queue) Changes() Changes { return q.changes }

// Changed reports whether anything did.
func (q *Queue) Changed() bool { return len(q.changes.Messages)+len(q.changes.Duplicates) > 0 }

// Saved says that the changes were written.
func (q *Queue) Saved() {
	q.changes = Changes{Messages: map[uint64]*Message{}, Duplicates: map[string]*Duplicate{}}
}
