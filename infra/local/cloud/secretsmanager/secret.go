package secretsmanager

import (
	"bytes"
	"slices"
	"time"
)

// The staging labels that Secrets Manager moves by itself.
const (
	stageCurrent  = "AWSCURRENT"
	stagePrevious = "AWSPREVIOUS"
)

const (
	maxVersions   = 100
	deprecatedFor = 24 * time.Hour // how long a version without a label is kept at least
)

// secret is a secret and its versions. Its methods are the rules of versions and labels; they are pure.
//
// See https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html.
type secret struct {
	Name        string     `json:"name"`
	ARN         string     `json:"arn"`
	Description string     `json:"description,omitempty"`
	Created     time.Time  `json:"created"`
	Changed     time.Time  `json:"changed"`
	Accessed    time.Time  `json:"accessed"`   // a day
	DeletedAt   time.Time  `json:"deleted_at"` // when deletion was asked for; zero: it was not
	GoneAt      time.Time  `json:"gone_at"`    // when the recovery window ends
	Tags        []tag      `json:"tags,omitempty"`
	Versions    []*version `json:"versions,omitempty"` // oldest first
}

type version struct {
	ID       string    `json:"id"`
	Value    value     `json:"value"`
	Created  time.Time `json:"created"`
	Accessed time.Time `json:"accessed"`         // a day
	Stages   []string  `json:"stages,omitempty"` // sorted
}

// value is a text or bytes; nil is the absence of either.
type value struct {
	SecretString *string `json:",omitempty"`
	SecretBinary []byte  `json:",omitempty"`
}

func (v value) given() bool { return v.SecretString != nil || v.SecretBinary != nil }

func (v value) equal(other value) bool {
	if (v.SecretString == nil) != (other.SecretString == nil) {
		return false
	}
	return (v.SecretString == nil || *v.SecretString == *other.SecretString) &&
		bytes.Equal(v.SecretBinary, other.SecretBinary)
}

func (s *secret) deleted() bool { return !s.DeletedAt.IsZero() }

// version returns the version with an id; nil for none.
func (s *secret) version(id string) *version {
	for _, v := range s.Versions {
		if v.ID == id {
			return v
		}
	}
	return nil
}

// at returns the version that a label is attached to; nil for none.
func (s *secret) at(stage string) *version {
	for _, v := range s.Versions {
		if slices.Contains(v.Stages, stage) {
			return v
		}
	}
	return nil
}

// add makes a version and moves stages to it. It is idempotent by id: the same value again changes nothing, and another
// value is refused.
func (s *secret) add(now time.Time, id string, v value, stages []string) (*version, error) {
	if existing := s.version(id); existing != nil {
		if !existing.Value.equal(v) {
			return nil, exists("You can't use ClientRequestToken %s because that value is already in use for a version of secret %s.",
				id, s.ARN)
		}
		return existing, nil
	}
	if !s.makeRoom(now) {
		return nil, limitExceeded("The secret has %d versions, which is the most that it can have.", maxVersions)
	}
	added := &version{ID: id, Value: v, Created: now}
	s.Versions = append(s.Versions, added)
	for _, stage := range stages {
		if stage != stageCurrent {
			s.attach(stage, added)
		}
	}
	if slices.Contains(stages, stageCurrent) { // last, since it moves AWSPREVIOUS too
		s.attach(stageCurrent, added)
	}
	s.Changed = now
	return added, nil
}

// attach moves a label to v. The version that loses AWSCURRENT becomes AWSPREVIOUS.
func (s *secret) attach(stage string, v *version) {
	before := s.at(stage)
	if before == v {
		return
	}
	if before != nil {
		before.detach(stage)
		if stage == stageCurrent {
			s.attach(stagePrevious, before)
		}
	}
	v.Stages = append(v.Stages, stage)
	slices.Sort(v.Stages)
}

func (v *version) detach(stage string) {
	v.Stages = slices.DeleteFunc(v.Stages, func(s string) bool { return s == stage })
}

// makeRoom drops the oldest versions without a label where there are too many, and reports whether another has room.
func (s *secret) makeRoom(now time.Time) bool {
	for i := 0; len(s.Versions) >= maxVersions && i < len(s.Versions); {
		if v := s.Versions[i]; len(v.Stages) == 0 && now.Sub(v.Created) >= deprecatedFor {
			s.Versions = slices.Delete(s.Versions, i, i+1)
		} else {
			i++
		}
	}
	return len(s.Versions) < maxVersions
}

// stages returns the labelled versions' labels by version; nil when there are none.
func (s *secret) stages() map[string][]string {
	var all map[string][]string
	for _, v := range s.Versions {
		if len(v.Stages) == 0 {
			continue
		}
		if all == nil {
			all = map[string][]string{}
		}
		all[v.ID] = v.Stages
	}
	return all
}

// day is what Secrets Manager keeps of a time of access.
func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
