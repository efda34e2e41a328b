package postgres

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the system user that the server runs as. PostgreSQL refuses to run as root: root's server runs as nobody.
type account struct {
	root     bool
	uid, gid uint32 // when root
}

func currentAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return account{}, fmt.Errorf("PostgreSQL does not run as root, and there is no user nobody to run it as. Run make as another user: %w", err)
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return account{}, err
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		return account{}, err
	}
	return account{root: true, uid: uint32(uid), gid: uint32(gid)}, nil
}

// runAs makes cmd run as the account.
func (a account) runAs(cmd *exec.Cmd) {
	if a.root {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: a.uid, Gid: a.gid}}
	}
}

// own makes the account the owner of path.
func (a account) own(path string) error {
	if !a.root {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// reaches reports whether the account may enter dir.
func (a account) reaches(dir string) bool {
	if !a.root {
		return true
	}
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// place makes dir, or where the account cannot enter that a folder elsewhere which stands for it, and gives its absolute path with
// links resolved. id tells stand-ins apart whose folders had the same path at different times; it may be empty.
func (a account) place(dir, id string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the account must enter; what is secret inside is closed
		return "", err
	}
	if !a.reaches(dir) {
		dir = standIn(dir, id)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) { //nolint:gosec // as above
			return "", err
		}
		if err := ours(dir); err != nil {
			return "", err
		}
		if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // as above; the umask may have closed it
			return "", err
		}
	}
	return filepath.EvalSymlinks(dir)
}

// locate returns the folder that place made for dir and id; fs.ErrNotExist when it did not.
func (a account) locate(dir, id string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err != nil {
		return "", err
	}
	if !a.reaches(dir) {
		dir = standIn(dir, id)
		if err := ours(dir); err != nil {
			return "", err
		}
	}
	return filepath.EvalSymlinks(dir)
}

// standIn returns the folder that stands for dir: by its id, which it keeps when it is moved, or by its path.
func standIn(dir, id string) string {
	if id != "" {
		return filepath.Join("/var/tmp", "enhanced-integration-"+id)
	}
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join("/var/tmp", "enhanced-integration-"+hex.EncodeToString(sum[:6]))
}

// ours makes sure that a stand-in, beside which everybody may write, is a folder and this user's own.
func ours(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !info.IsDir() || !ok || int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user. Delete it, or have it deleted", dir)
	}
	return nil
}
