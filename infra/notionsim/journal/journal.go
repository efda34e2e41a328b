// Package journal keeps records in one file, so that they survive the end of the process, however it comes.
package journal

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

// Record is one thing that is kept.
type Record struct {
	Kind, ID string
	Data     []byte // nil where the thing is gone
}

// Journal is a file of records. A nil Journal keeps nothing and has nothing.
//
// Writes are handed to the operating system and not forced onto the disk: they survive a killed process, not a power cut.
type Journal struct{ db *bbolt.DB }

// Open opens the journal in a file, which is made if need be; none for "". A file that another process has open is an error.
func Open(path string) (*Journal, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // a nil Journal is one that keeps nothing
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, NoSync: true, NoFreelistSync: true})
	if errors.Is(err, bbolterrors.ErrTimeout) {
		return nil, fmt.Errorf("state file %s is in use by another process", path)
	}
	if err != nil {
		return nil, fmt.Errorf("open state file %s: %w", path, err)
	}
	return &Journal{db}, nil
}

// Close closes the file.
func (j *Journal) Close() error {
	if j == nil {
		return nil
	}
	return j.db.Close()
}

// Put keeps records, all or none.
func (j *Journal) Put(records ...Record) error {
	if j == nil || len(records) == 0 {
		return nil
	}
	err := j.db.Update(func(tx *bbolt.Tx) error {
		for _, r := range records {
			bucket, err := tx.CreateBucketIfNotExists([]byte(r.Kind))
			if err != nil {
				return err
			}
			if r.Data == nil {
				err = bucket.Delete([]byte(r.ID))
			} else {
				err = bucket.Put([]byte(r.ID), r.Data)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write state file: %w", err)
	}
	return nil
}

// Clear forgets every record of some kinds.
func (j *Journal) Clear(kinds ...string) error {
	if j == nil {
		return nil
	}
	return j.db.Update(func(tx *bbolt.Tx) error {
		for _, kind := range kinds {
			if err := tx.DeleteBucket([]byte(kind)); err != nil && !errors.Is(err, bbolterrors.ErrBucketNotFound) {
				return fmt.Errorf("clear state file: %w", err)
			}
		}
		return nil
	})
}

// Each calls do with the data of every record of a kind, which is good only until do returns.
func (j *Journal) Each(kind string, do func(data []byte) error) error {
	if j == nil {
		return nil
	}
	return j.db.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte(kind))
		if bucket == nil {
			return nil
		}
		return bucket.ForEach(func(_, data []byte) error { return do(data) })
	})
}

// Empty reports whether there is no record of a kind.
func (j *Journal) Empty(kind string) bool {
	empty := true
	if err := j.Each(kind, func([]byte) error { empty = false; return nil }); err != nil {
		return false
	}
	return empty
}
