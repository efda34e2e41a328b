package postgres

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPlace: root's server runs as nobody, who must be able to enter the folder. A test's own temporary folder is closed to others.
func TestPlace(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(t.TempDir(), "postgres")
	open, err := os.MkdirTemp("/var/tmp", "place")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(open) })
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		account account
		dir     string
		moved   bool
	}{
		"root, a folder closed to others": {account{root: true}, closed, true},
		"root, a folder open to others":   {account{root: true}, open, false},
		"anybody else":                    {account{}, closed, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := c.account.place(c.dir, "")
			if err != nil {
				t.Fatal(err)
			}
			if moved := strings.HasPrefix(got, "/var/tmp/enhanced-integration-"); moved != c.moved {
				t.Errorf("place %s", got)
			}
			if again, err := c.account.place(c.dir, ""); err != nil || again != got {
				t.Errorf("again %s, %v", again, err)
			}
			t.Cleanup(func() { os.RemoveAll(got) })
		})
	}
}

func TestStandInOfSomebodyElseIsRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "postgres")
	link := standIn(dir, "")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(link) })
	root := account{root: true}
	if got, err := root.place(dir, ""); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
		t.Errorf("%s was taken, %v", got, err)
	}
	if got, err := root.locate(dir, ""); err == nil {
		t.Errorf("%s was found", got)
	}
}

// TestLocate finds what place made, and makes nothing itself.
func TestLocate(t *testing.T) {
	t.Parallel()
	dir, root := t.TempDir(), account{root: true}
	for _, missing := range []string{filepath.Join(dir, "none"), dir} {
		if got, err := root.locate(missing, ""); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s was found, %v", got, err)
		}
		if _, err := os.Lstat(standIn(missing, "")); err == nil {
			t.Errorf("a stand-in for %s was made", missing)
		}
	}
	made, err := root.place(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(made) })
	if got, err := root.locate(dir, ""); err != nil || got != made {
		t.Errorf("%s was found, %v", got, err)
	}
}
