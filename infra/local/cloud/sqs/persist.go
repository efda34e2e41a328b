package sqs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/attribute"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/queue"
)

// The keys: queue/<address>, message/<address>/<sequence>, duplicate/<address>/<key>. Neither account, region nor name holds a
// slash.
const (
	queueKey     = "queue/"
	messageKey   = "message/"
	duplicateKey = "duplicate/"
)

// record is what is stored of a queue beside its messages.
type record struct {
	Created    time.Time         `json:"created"`
	Modified   time.Time         `json:"modified"`
	Purged     time.Time         `json:"purged"`
	Attributes attribute.Set     `json:"attributes"`
	Tags       map[string]string `json:"tags,omitempty"`
	Tasks      []*moveTask       `json:"tasks,omitempty"` // newest first
}

func (a address) key() string { return a.account + "/" + a.region + "/" + a.name }

func (a address) messageKey(sequence uint64) string {
	return fmt.Sprintf("%s%s/%020d", messageKey, a.key(), sequence) // in the order of the sequence
}

func (a address) duplicateKey(key string) string { return duplicateKey + a.key() + "/" + key }

// parseKey returns the queue that a key without its first part belongs to.
func parseKey(key string) (address, error) {
	parts := strings.SplitN(key, "/", 4)
	if len(parts) < 3 {
		return address{}, fmt.Errorf("not a queue's key: %s", key)
	}
	return address{account: parts[0], region: parts[1], name: parts[2]}, nil
}

func (s *Service) load() error {
	if err := s.loadQueues(); err != nil {
		return err
	}
	err := loadEach(s, messageKey, func(e *entry, m *queue.Message) { e.messages.Restore(m) })
	if err != nil {
		return err
	}
	duplicates := map[*entry][]queue.Duplicate{}
	err = loadEach(s, duplicateKey, func(e *entry, d *queue.Duplicate) { duplicates[e] = append(duplicates[e], *d) })
	if err != nil {
		return err
	}
	now := s.cfg.Now()
	for _, e := range s.queues {
		slices.SortFunc(duplicates[e], func(a, b queue.Duplicate) int { return a.SentAt.Compare(b.SentAt) })
		for _, d := range duplicates[e] {
			e.messages.RestoreDuplicate(d)
		}
		if !s.cfg.KeepInFlight {
			e.messages.Release(now)
		}
	}
	return s.save()
}

func (s *Service) loadQueues() error {
	return s.cfg.Store.Each(queueKey, func(key string, value []byte) error {
		a, err := parseKey(strings.TrimPrefix(key, queueKey))
		if err != nil {
			return err
		}
		e := &entry{address: a, changed: make(chan struct{})}
		if err := json.Unmarshal(value, &e.record); err != nil {
			return err
		}
		e.messages = queue.New(e.Attributes.Settings())
		s.queues[a] = e
		return nil
	})
}

// loadEach reads what belongs to queues, in the order of the keys.
func loadEach[T any](s *Service, prefix string, restore func(*entry, *T)) error {
	return s.cfg.Store.Each(prefix, func(key string, value []byte) error {
		a, err := parseKey(strings.TrimPrefix(key, prefix))
		if err != nil {
			return err
		}
		e := s.queues[a]
		if e == nil {
			return fmt.Errorf("belongs to no queue: %s", key)
		}
		part := new(T)
		if err := json.Unmarshal(value, part); err != nil {
			return err
		}
		restore(e, part)
		return nil
	})
}

// save writes what changed and wakes who waits for it.
func (s *Service) save() error {
	var changed []*entry
	batch := map[string][]byte{}
	for _, e := range s.queues {
		if !e.unsaved && !e.messages.Changed() {
			continue
		}
		changed = append(changed, e)
		if err := e.encode(batch); err != nil {
			return err
		}
	}
	if err := s.cfg.Store.Write(batch); err != nil {
		return err
	}
	for _, e := range changed {
		e.unsaved = false
		e.messages.Saved()
		e.wake()
	}
	return nil
}

func (e *entry) encode(batch map[string][]byte) error {
	if e.unsaved {
		if err := put(batch, queueKey+e.key(), &e.record); err != nil {
			return err
		}
	}
	changes := e.messages.Changes()
	for sequence, m := range changes.Messages {
		if err := put(batch, e.messageKey(sequence), m); err != nil {
			return err
		}
	}
	for key, d := range changes.Duplicates {
		if err := put(batch, e.duplicateKey(key), d); err != nil {
			return err
		}
	}
	return nil
}

// put encodes value, or nothing for nil, which removes the key.
func put[T any](batch map[string][]byte, key string, value *T) error {
	batch[key] = nil
	if value == nil {
		return nil
	}
	encoded, err := json.Marshal(value)
	batch[key] = encoded
	return err
}

// drop removes a queue with all that is stored of it.
func (s *Service) drop(e *entry) error {
	batch := map[string][]byte{queueKey + e.key(): nil}
	for _, prefix := range []string{messageKey, duplicateKey} {
		err := s.cfg.Store.Each(prefix+e.key()+"/", func(key string, _ []byte) error {
			batch[key] = nil
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := s.cfg.Store.Write(batch); err != nil {
		return err
	}
	delete(s.queues, e.address)
	e.wake()
	return nil
}

// sorted returns the queues of an account and region by name.
func (s *Service) sorted(account, region string) []*entry {
	var found []*entry
	for a, e := range s.queues {
		if a.account == account && a.region == region {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b *entry) int { return cmp.Compare(a.name, b.name) })
	return found
}
