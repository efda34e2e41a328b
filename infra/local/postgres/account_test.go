package postgres

import (
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
			got, err := c.account.place(c.dir)
			if err != nil {
				t.Fatal(err)
			}
			if moved := strings.HasPrefix(got, "/var/tmp/enhanced-integration-"); moved != c.moved {
				t.Errorf("place %s", got)
			}
			if again, err := c.account.place(c.dir); err != nil || again != got {
				t.Errorf("again %s, %v", again, err)
			}
			t.Cleanup(func() { os.RemoveAll(got) })
		})
	}
}

func TestStandInOfSomebodyElseIsRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "postgres")
	made, err := standIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(made); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), made); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(made) })
	if got, err := standIn(dir); err == nil {
		t.Errorf("%s was taken", got)
	}
}
