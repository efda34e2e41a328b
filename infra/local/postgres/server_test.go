package postgres

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

// helperDir makes the test binary a process that starts a server in the folder which it names, prints its address and waits.
const helperDir = "POSTGRES_TEST_HELPER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperDir); dir != "" {
		server, err := Start(context.Background(), Config{Dir: dir, Ephemeral: true, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Fprintln(os.Stdout, server.URL())
		<-server.Done()
		return
	}
	goleak.VerifyTestMain(m)
}

// folder returns a folder for a server, which root's server may not reach, and clears what stands for it at the end.
func folder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "postgres")
	t.Cleanup(func() {
		if err := Remove(context.Background(), dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func start(t *testing.T, config Config) *Server {
	t.Helper()
	config.Ephemeral, config.Log = true, slog.New(slog.DiscardHandler)
	server, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server
}

func query(t *testing.T, url, sql string) (result string) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(context.Background())
	if err := connection.QueryRow(t.Context(), sql).Scan(&result); err != nil {
		t.Fatal(err)
	}
	return result
}

const write = "WITH made AS (INSERT INTO kept VALUES ('written') RETURNING it) SELECT it FROM made"

func makeTable(t *testing.T, url string) {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(context.Background())
	if _, err := connection.Exec(t.Context(), "CREATE TABLE kept (it text)"); err != nil {
		t.Fatal(err)
	}
}

func TestServerKeepsItsDataAndAddress(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	first := start(t, Config{Dir: dir})
	makeTable(t, first.URL())
	query(t, first.URL(), write)
	first.Stop()
	<-first.Done()

	second := start(t, Config{Dir: dir})
	if last, ok := LastURL(dir, ""); second.URL() != first.URL() || !ok || last != first.URL() {
		t.Errorf("address %s, before %s, known %s", second.URL(), first.URL(), last)
	}
	if got := query(t, second.URL(), "SELECT it FROM kept"); got != "written" {
		t.Errorf("kept %q", got)
	}
}

func TestServerTakesAPasswordOnly(t *testing.T) {
	t.Parallel()
	server := start(t, Config{Dir: folder(t)})
	config, err := pgx.ParseConfig(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	config.Password = "guessed"
	if connection, err := pgx.ConnectConfig(t.Context(), config); err == nil {
		_ = connection.Close(t.Context())
		t.Error("a guessed password was taken")
	}
	if got := query(t, server.URL(), "SELECT current_setting('listen_addresses') || current_setting('unix_socket_directories')"); got != "127.0.0.1" {
		t.Errorf("listens on %q", got)
	}
}

// TestLeftOverServerIsStopped: what an earlier run left running in the folder is ended, whatever became of that run.
func TestLeftOverServerIsStopped(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	first := start(t, Config{Dir: dir})
	makeTable(t, first.URL())
	query(t, first.URL(), write)
	second := start(t, Config{Dir: dir})
	<-first.Done()
	if got := query(t, second.URL(), "SELECT it FROM kept"); got != "written" {
		t.Errorf("kept %q", got)
	}
}

func TestKilledServerRecovers(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	first := start(t, Config{Dir: dir})
	makeTable(t, first.URL())
	query(t, first.URL(), write)
	first.process.Signal(syscall.SIGKILL)
	<-first.Done()
	second := start(t, Config{Dir: dir})
	if got := query(t, second.URL(), "SELECT it FROM kept"); got != "written" {
		t.Errorf("kept %q", got)
	}
}

// TestStalePIDFile: the process id in it is another program's by now, or was never written whole.
func TestStalePIDFile(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	start(t, Config{Dir: dir}).Stop()
	account, home := placed(t, dir)
	for name, content := range map[string]string{
		"another program's id": strconv.Itoa(os.Getpid()) + "\n/somewhere\n",
		"no process's id":      "2147483646\n",
		"no id":                "rubbish",
		"empty":                "",
		"a negative id":        "-1\n",
	} {
		t.Run(name, func(t *testing.T) {
			note := filepath.Join(home, "data", "postmaster.pid")
			if err := os.WriteFile(note, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := account.own(note); err != nil {
				t.Fatal(err)
			}
			if got := query(t, start(t, Config{Dir: dir}).URL(), "SELECT 'up'"); got != "up" {
				t.Error(got)
			}
		})
	}
}

// placed returns who runs dir's server, and where.
func placed(t *testing.T, dir string) (account, string) {
	t.Helper()
	account, err := currentAccount()
	if err != nil {
		t.Fatal(err)
	}
	home, err := account.place(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	return account, home
}

// TestServerOfAKilledParent: after kill -9 of the process that started it the server ends by itself (Linux), and the folder starts
// again in any case.
func TestServerOfAKilledParent(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), helperDir+"="+dir)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(url, "postgres://") {
		t.Fatalf("helper says %q, %v", url, err)
	}
	url = strings.TrimSpace(url)
	makeTable(t, url)
	query(t, url, write)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	_ = parent.Wait()

	server := start(t, Config{Dir: dir})
	if got := query(t, server.URL(), "SELECT it FROM kept"); got != "written" {
		t.Errorf("kept %q", got)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	for name, c := range map[string]struct {
		port  int
		spoil func(home string) error
		want  string
	}{
		"a taken port": {
			port: taken.Addr().(*net.TCPAddr).Port, spoil: func(string) error { return nil }, want: "is taken",
		},
		"data of another version": {
			spoil: func(home string) error {
				return os.WriteFile(filepath.Join(home, "data", "PG_VERSION"), []byte("9.6\n"), 0o600)
			}, want: "the local database in HOME was made by PostgreSQL 9.6",
		},
		"a lost password": {
			spoil: func(home string) error { return os.Remove(filepath.Join(home, "password")) }, want: "password is lost",
		},
		"a wrong password": {
			spoil: func(home string) error {
				return os.WriteFile(filepath.Join(home, "password"), []byte("other\n"), 0o600)
			}, want: "refuses the connection",
		},
		"a broken setting": {
			spoil: func(home string) error {
				return os.WriteFile(filepath.Join(home, "data", "postgresql.auto.conf"), []byte("nonsense = 1\n"), 0o644)
			}, want: "the local database did not start. Its log says: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			start(t, Config{Dir: dir}).Stop()
			_, home := placed(t, dir)
			if err := c.spoil(home); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			server, err := Start(ctx, Config{Dir: dir, Port: c.port, Log: slog.New(slog.DiscardHandler)})
			if err == nil {
				server.Stop()
				t.Fatal("started")
			}
			if want := strings.ReplaceAll(c.want, "HOME", home); !strings.Contains(err.Error(), want) {
				t.Errorf("error %q, want %q in it", err, want)
			}
		})
	}
}

// TestRemove: nothing is left, not even a server that nobody stopped.
func TestRemove(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	server := start(t, Config{Dir: dir})
	_, home := placed(t, dir)
	if err := Remove(t.Context(), dir); err != nil {
		t.Error(err)
	}
	<-server.Done()
	for _, path := range []string{dir, home} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is left", path)
		}
	}
	if _, ok := LastURL(dir, ""); ok {
		t.Error("an address is left")
	}
	if err := Remove(t.Context(), dir); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

func TestCutShortInitIsDoneAgain(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	_, home := placed(t, dir)
	if err := os.MkdirAll(filepath.Join(home, "data.new", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := query(t, start(t, Config{Dir: dir}).URL(), "SELECT 'up'"); got != "up" {
		t.Error(got)
	}
}

func TestComplaint(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ output, want string }{
		"a full disk":     {"creating directory ... ok\ninitdb: error: could not write to file \"x\": No space left on device\ninitdb: removing contents of data directory\n", `initdb: error: could not write to file "x": No space left on device`},
		"the server's":    {"running bootstrap script ... FATAL:  could not extend file: No space left on device\nchild process exited with exit code 1\n", "running bootstrap script ... FATAL:  could not extend file: No space left on device"},
		"nothing of that": {"one\ntwo\n", "two"},
	} {
		if got := complaint([]byte(c.output)); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
