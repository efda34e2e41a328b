package queue

import "time"

// Duplicate is what a FIFO queue remembers of a message that was sent, so that sending it again adds nothing.
type Duplicate struct {
	Key      string    `json:"key"` // deduplication id, and group where each has its own
	ID       string    `json:"id"`
	Sequence uint64    `json:"sequence"`
	SentAt   time.Time `json:"sent"`
}

func (q *Queue) duplicate(now time.Time, content Content) (Duplicate, bool) {
	q.forget(now)
	d, ok := q.sent[q.duplicateKey(content)]
	return d, ok
}

func (q *Queue) remember(now time.Time, m *Message) {
	d := Duplicate{Key: q.duplicateKey(m.Content), ID: m.ID, Sequence: m.Sequence, SentAt: now}
	q.RestoreDuplicate(d)
	q.changes.Duplicates[d.Key] = &d
}

// RestoreDuplicate puts back what was remembered. Duplicates are restored oldest first.
func (q *Queue) RestoreDuplicate(d Duplicate) {
	q.sent[d.Key] = d
	q.recent = append(q.recent, d)
}

func (q *Queue) forget(now time.Time) {
	for len(q.recent) > 0 && now.Sub(q.recent[0].SentAt) >= DeduplicationWindow {
		key := q.recent[0].Key
		delete(q.sent, key)
		q.changes.Duplicates[key] = nil
		q.recent = q.recent[1:]
	}
}

func (q *Queue) duplicateKey(content Content) string {
	if q.settings.PerGroupDedup {
		return content.DeduplicationID + " " + content.Group // neither holds a space
	}
	return content.DeduplicationID
}
