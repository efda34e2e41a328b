package filelock_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/filelock"
)

func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	first, err := filelock.Try(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := filelock.Try(path); !errors.Is(err, filelock.ErrHeld) {
		t.Errorf("a second time: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := filelock.Wait(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waited: %v", err)
	}
	waiting := make(chan error)
	go func() {
		_, err := filelock.Wait(t.Context(), path)
		waiting <- err
	}()
	first.Release()
	if err := <-waiting; err != nil {
		t.Error(err)
	}
}

func TestLockInNoFolder(t *testing.T) {
	t.Parallel()
	if _, err := filelock.Try(filepath.Join(t.TempDir(), "none", "lock")); err == nil || errors.Is(err, filelock.ErrHeld) {
		t.Errorf("error %v", err)
	}
}
