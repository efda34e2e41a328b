// Package store keeps the state of the local cloud in one file, so that it survives a restart, and a kill, of the process.
package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// lockWait is how long Open waits for another process to let go of the file.
const lockWait = time.Second

// Store is one state file, or nothing but the promise of one: opened without a path it keeps nothing.
type Store struct {
	db *bbolt.DB
}

// Open opens the file at path and makes it, and its folder, when they are not there. An empty path gives a store that keeps
// nothing. It fails with fault.Conflict when another process holds the file, and with fault.Invalid when it cannot be read.
func Open(path string) (*Store, error) {
	if path == "" {
		return &Store{}, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "the folder of the local cloud's state cannot be made: %s", filepath.Dir(path))
	}
	// Without syncing, a change is safe from the end of the process, though not from the loss of power.
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: lockWait, NoSync: true, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType,
	})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fault.Wrap(err, fault.Conflict, "the local cloud's state is in use by another process: %s", path)
	case err != nil:
		return nil, fault.Wrap(err, fault.Invalid, "the local cloud's state cannot be read; remove it to begin anew: %s", path)
	}
	return &Store{db: db}, nil
}

// Close lets go of the file.
func (s *Store) Close() error {
	if s.db == nil {
		return nil
	}
	return s.db.Close()
}

// Bucket returns the part of the file that belongs to one service.
func (s *Store) Bucket(name string) *Bucket { return &Bucket{db: s.db, name: []byte(name)} }

// Bucket is one service's keys and values.
type Bucket struct {
	db   *bbolt.DB
	name []byte
}

// Each calls f for the values whose key begins with prefix, in the order of the keys, and stops at the first error. The
// value is valid during the call only.
func (b *Bucket) Each(prefix string, f func(key string, value []byte) error) error {
	if b.db == nil {
		return nil
	}
	return b.db.View(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(b.name)
		if bucket == nil {
			return nil
		}
		cursor := bucket.Cursor()
		for k, v := cursor.Seek([]byte(prefix)); k != nil && bytes.HasPrefix(k, []byte(prefix)); k, v = cursor.Next() {
			if err := f(string(k), v); err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
		}
		return nil
	})
}

// Write makes all changes or none. A nil value removes its key.
func (b *Bucket) Write(changes map[string][]byte) error {
	if b.db == nil || len(changes) == 0 {
		return nil
	}
	return b.db.Update(func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists(b.name)
		if err != nil {
			return err
		}
		for key, value := range changes {
			if value == nil {
				err = bucket.Delete([]byte(key))
			} else {
				err = bucket.Put([]byte(key), value)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
		return nil
	})
}
