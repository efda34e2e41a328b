package sqs_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs"
)

// disk is a store that may be full.
type disk struct {
	kept map[string][]byte
	full bool
}

func (d *disk) Each(prefix string, f func(key string, value []byte) error) error {
	for _, key := range slices.Sorted(maps.Keys(d.kept)) {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		if err := f(key, d.kept[key]); err != nil {
			return err
		}
	}
	return nil
}

func (d *disk) Write(changes map[string][]byte) error {
	if d.full {
		return errors.New("the disk is full")
	}
	for key, value := range changes {
		if delete(d.kept, key); value != nil {
			d.kept[key] = value
		}
	}
	return nil
}

func openOn(t *testing.T, d *disk, now time.Time) service {
	t.Helper()
	id := 0
	s, err := sqs.Open(sqs.Config{Store: d, Now: func() time.Time { return now }, NewID: func() string {
		id++
		return strings.Repeat("x", id)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return service{s, t}
}

// TestWhatCouldNotBeWrittenIsWrittenLater fills the disk under a queue: nobody is told of success, and once there is room
// nothing is missing.
func TestWhatCouldNotBeWrittenIsWrittenLater(t *testing.T) {
	t.Parallel()
	d := &disk{kept: map[string][]byte{}}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := openOn(t, d, now)
	s.must("CreateQueue", `{"QueueName":"q"}`)
	s.must("SendMessage", `{"QueueUrl":"q","MessageBody":"one"}`)
	d.full = true
	for operation, input := range map[string]string{
		"SendMessage":    `{"QueueUrl":"q","MessageBody":"two"}`,
		"ReceiveMessage": `{"QueueUrl":"q"}`,
		"DeleteQueue":    `{"QueueUrl":"q"}`,
	} {
		if got := s.call(t.Context(), operation, input); got != "the disk is full" {
			t.Errorf("%s: %s", operation, got)
		}
	}
	d.full = false
	s.must("SendMessage", `{"QueueUrl":"q","MessageBody":"three"}`)

	again := openOn(t, d, now)
	got := strings.Fields(bodies(again.call(t.Context(), "ReceiveMessage", `{"QueueUrl":"q","MaxNumberOfMessages":10}`)))
	slices.Sort(got)
	if strings.Join(got, " ") != "one three two" {
		t.Fatal(got)
	}
}

func TestOpenRefusesWhatItDidNotWrite(t *testing.T) {
	t.Parallel()
	const queue = `{"created":"2026-01-01T00:00:00Z","attributes":{}}`
	cases := map[string]map[string][]byte{
		"a queue that is no JSON":    {"queue/1/r/q": []byte("x")},
		"a queue without a name":     {"queue/1": []byte(queue)},
		"a message of no queue":      {"message/1/r/q/1": []byte("{}")},
		"a message that is no JSON":  {"queue/1/r/q": []byte(queue), "message/1/r/q/1": []byte("x")},
		"a duplicate that is a list": {"queue/1/r/q": []byte(queue), "duplicate/1/r/q/x": []byte("[]")},
	}
	for name, kept := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sqs.Open(sqs.Config{Store: &disk{kept: kept}, Now: time.Now, NewID: func() string { return "x" }})
			if err == nil {
				t.Fatal("it was taken")
			}
		})
	}
}
