package postgres

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/postgres/binary"
)

const superuser = "act"

// cluster is what lies in the folder: PostgreSQL's data, the superuser's password, the port of the last start and its log.
type cluster struct {
	home     string
	account  account
	programs binary.Programs
}

func (c cluster) path(name string) string { return filepath.Join(c.home, name) }

func (c cluster) data() string { return c.path("data") }

// environment keeps the machine's language and the caller's PG variables away from the server.
func (c cluster) environment() []string {
	return []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH"), "TZ=UTC"}
}

// password returns the superuser's password.
func (c cluster) password() (string, error) {
	password, err := os.ReadFile(c.path("password"))
	if err != nil {
		return "", fmt.Errorf("the local database's password is lost. make reset deletes the database, and the next make run starts afresh: %w", err)
	}
	return string(bytes.TrimSpace(password)), nil
}

// initialize makes the data folder when there is none. It appears as a whole or not at all, and the password before it.
func (c cluster) initialize(ctx context.Context) error {
	switch version, err := os.ReadFile(filepath.Join(c.data(), "PG_VERSION")); {
	case err == nil:
		if found := strings.TrimSpace(string(version)); found != strconv.Itoa(c.programs.Major) {
			return fmt.Errorf("the local database in %s was made by PostgreSQL %s, and this is PostgreSQL %d. Put %s on the PATH, or delete the database with make reset",
				c.home, found, c.programs.Major, found)
		}
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	fresh, password := c.path("data.new"), c.path("password")
	if err := os.RemoveAll(fresh); err != nil { // of a run that was cut short
		return err
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(password, []byte(rand.Text()+"\n"), 0o600); err != nil {
		return err
	}
	if err := errors.Join(c.account.own(fresh), c.account.own(password)); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, c.programs.Path("initdb"), "--pgdata", fresh, "--username", superuser, "--pwfile", password, //nolint:gosec // a program that was found by us
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions")
	cmd.Dir, cmd.Env = fresh, c.environment()
	c.account.runAs(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the local database cannot be made: initdb says %[2]s (%[1]w)", err, complaint(out))
	}
	return os.Rename(fresh, c.data())
}

// choosePort returns the port to listen on: the wanted one, or when that is 0 the last start's, or when that is taken any free one.
func (c cluster) choosePort(ctx context.Context, wanted int) (int, error) {
	if wanted != 0 {
		if !free(ctx, wanted) {
			return 0, fmt.Errorf("port %d of the local database is taken", wanted)
		}
		return wanted, c.keepPort(wanted)
	}
	if port, err := c.lastPort(); err == nil && free(ctx, port) {
		return port, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	_, text, err := net.SplitHostPort(listener.Addr().String())
	if err := errors.Join(err, listener.Close()); err != nil {
		return 0, err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return 0, err
	}
	return port, c.keepPort(port)
}

func (c cluster) keepPort(port int) error {
	return os.WriteFile(c.path("port"), []byte(strconv.Itoa(port)+"\n"), 0o600)
}

func (c cluster) lastPort() (int, error) {
	last, err := os.ReadFile(c.path("port"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(last)))
}

func free(ctx context.Context, port int) bool {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

// stopLeftOver ends a server that a killed run left behind, and removes the note of one that is gone: after a restart of the machine
// its process id may be another program's.
func (c cluster) stopLeftOver(ctx context.Context) error {
	note := filepath.Join(c.data(), "postmaster.pid")
	content, err := os.ReadFile(note) //nolint:gosec // in the folder that is ours
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 0 || !c.serves(ctx, pid) {
		return os.Remove(note)
	}
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("a database server that an earlier run left behind (process %d) cannot be ended: %w", pid, err)
		}
		for deadline := time.After(stopTime); deadline != nil; {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-deadline:
				deadline = nil
			case <-ticker.C:
				if !c.serves(ctx, pid) {
					return nil
				}
			}
		}
	}
	return fmt.Errorf("a database server that an earlier run left behind (process %d) does not end. End it with kill -9", pid)
}

// serves reports whether process pid is a server of this cluster.
func (c cluster) serves(ctx context.Context, pid int) bool {
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat("/proc/self"); err == nil {
			return false
		}
		command, err = exec.CommandContext(ctx, "ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output() //nolint:gosec // a number
		if err != nil {
			return false
		}
	}
	return bytes.Contains(bytes.ReplaceAll(command, []byte{0}, []byte(" ")), []byte(" -D "+c.data()+" "))
}

// lastLog returns the last line of the server's log, which says why it ended.
func (c cluster) lastLog() string {
	log, err := os.ReadFile(c.path("log"))
	if err != nil {
		return err.Error()
	}
	return lastLine(log)
}

// complaint returns the line in which initdb says what failed; behind it, it says what it tidies up.
func complaint(output []byte) string {
	for line := range strings.Lines(string(output)) {
		for _, sign := range []string{"FATAL:", "error:", "could not"} {
			if strings.Contains(line, sign) {
				return strings.TrimSpace(line)
			}
		}
	}
	return lastLine(output)
}

func lastLine(text []byte) string {
	text = bytes.TrimSpace(text)
	return string(text[bytes.LastIndexByte(text, '\n')+1:])
}
