package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
	"github.com/act-platform/enhanced-integration/infra/local/dotenv"
	"github.com/act-platform/enhanced-integration/infra/local/template"
	"github.com/act-platform/enhanced-integration/infra/notionsim"
)

// builtVariable names the folder in which the functions of all tests are built, so that it is done once.
const builtVariable = "LOCAL_TEST_BUILT"

// helperVariable makes the test binary a system of its own, whose state lies in the folder that it names.
const helperVariable = "LOCAL_TEST_STATE"

func TestMain(m *testing.M) {
	if state := os.Getenv(helperVariable); state != "" {
		stop, now, release := interrupts()
		defer release()
		s, err := load("../..", state, anyPort())
		if err == nil {
			err = run(stop, now, s, io.Discard)
		}
		if err != nil {
			panic(err)
		}
		return
	}
	built, err := os.MkdirTemp("", "local")
	if err != nil {
		panic(err)
	}
	os.Setenv(builtVariable, built)
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(built)
		os.Exit(code)
	}), goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

// output keeps what the system prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// anyPort are settings under which systems of several tests do not meet.
func anyPort(more ...string) []string {
	return append([]string{"PORT=0", "NOTION_SIM_PORT=0", "CLOUD_PORT=0", "SSL_CERT_FILE=" + os.Getenv("SSL_CERT_FILE")}, more...)
}

// running is a system of the project's own template, whose state lies in a folder of the test's.
type running struct {
	env    map[string]string
	out    *output
	cancel context.CancelFunc
	done   chan error
}

func startSystem(t *testing.T, state string, environ ...string) *running {
	t.Helper()
	prepare(t, state)
	s, err := load("../..", state, anyPort(environ...))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{out: &output{}, cancel: cancel, done: make(chan error, 1)}
	go func() { r.done <- run(ctx, ctx, s, r.out) }()
	t.Cleanup(func() { r.stop(t) })
	r.env = awaitReady(t, state, r.done, r.out)
	return r
}

// prepare makes the state's folder, with the functions that were built for another test.
func prepare(t *testing.T, state string) {
	t.Helper()
	if err := os.MkdirAll(state, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.Getenv(builtVariable), filepath.Join(state, functionsDir)); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
}

// awaitReady waits until the system of that state is ready and gives what it tells others.
func awaitReady(t *testing.T, state string, done chan error, out *output) map[string]string {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(10 * time.Minute); ; {
		if file, err := os.Open(filepath.Join(state, envFile)); err == nil {
			defer file.Close()
			env, err := dotenv.Parse(file)
			if err != nil {
				t.Fatal(err)
			}
			return env
		}
		select {
		case err := <-done:
			done <- err
			t.Fatalf("the system ended: %v\n%s", err, out)
		case <-deadline:
			t.Fatalf("the system is not ready\n%s", out)
		case <-ticker.C:
		}
	}
}

// stop stops the system, once.
func (r *running) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	if r.done == nil {
		return
	}
	if err := <-r.done; err != nil {
		t.Errorf("the system ended: %v\n%s", err, r.out)
	}
	r.done = nil
}

// call calls the API and gives status and answer.
func (r *running) call(t *testing.T, method, path, key string) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, r.env["API_URL"]+"/api/enhanced-integration"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		request.Header.Set("X-API-Key", key)
	}
	client := http.Client{Timeout: time.Minute, Transport: promised}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

// nowhere are the addresses of a system that does not run.
func nowhere() map[string]string {
	return map[string]string{"API_URL": "http://127.0.0.1:1", "NOTION_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
}

// projectTemplate reads the project's template for functions that see a running system's machine at that host.
func projectTemplate(t *testing.T, env map[string]string, host string) *template.Template {
	t.Helper()
	source, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	at := func(address string) string { return strings.Replace(address, "127.0.0.1", host, 1) }
	simulated := values{notionURL: at(env["NOTION_URL"]), oauth: notionsim.OAuthClient()}
	simulated.oauth.RedirectURIs = []string{env["API_URL"] + "/api/enhanced-integration/oauth/notion/callback"}
	tpl, err := template.Read(source, template.Config{
		Region: region, AccountID: cloud.Account, QueueEndpoint: at(env["AWS_ENDPOINT_URL"]),
		Parameter: func(name string) (string, bool) {
			if value, ok := simulated.simulation()[snake(name)]; ok {
				return value, true
			}
			value, ok := env[snake(name)]
			return value, ok
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

// children returns the processes that this test has started and that live.
func children(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("ps", "-axo", "ppid=,pid=,stat=,args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	var result []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) > 3 && fields[0] == strconv.Itoa(os.Getpid()) && !strings.HasPrefix(fields[2], "Z") && fields[3] != "ps" {
			result = append(result, strings.Join(fields[1:], " "))
		}
	}
	return result
}

// TestSystem starts the project's own system, twice, on the same state.
func TestSystem(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	first := startSystem(t, state)
	names := []string{
		"API_URL", "API_KEY", "DATABASE_URL", "NOTION_URL", "NOTION_TOKEN", "NOTION_PERSON_TOKEN", "AWS_ENDPOINT_URL",
		"NOTION_PARTNERS_DATABASE_ID", "NOTION_PROJECTS_DATABASE_ID", "NOTION_OPPORTUNITIES_DATABASE_ID", "NOTION_ORGANIZATIONS_DATABASE_ID",
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION",
	}
	for _, name := range names {
		if first.env[name] == "" {
			t.Errorf("%s is not in %v", name, first.env)
		}
	}
	if len(first.env) != len(names) {
		t.Errorf("more is in %v", first.env)
	}
	for _, shown := range []string{first.env["API_URL"], first.env["API_KEY"], first.env["NOTION_URL"], "source " + filepath.Join(state, "env")} {
		if !strings.Contains(first.out.String(), shown) {
			t.Errorf("%s is not shown in\n%s", shown, first.out)
		}
	}
	if status, answer := first.call(t, "GET", "/health", ""); status != http.StatusOK || answer["success"] != true {
		t.Errorf("health answers %d %v", status, answer)
	}
	if status, answer := first.call(t, "GET", "/sync/status", first.env["API_KEY"]); status != http.StatusOK {
		t.Errorf("with the key: %d %v", status, answer)
	}
	if status, answer := first.call(t, "GET", "/sync/status", ""); status != http.StatusUnauthorized {
		t.Errorf("without a key: %d %v", status, answer)
	}
	if !strings.Contains(first.out.String(), "GET /api/enhanced-integration/health 200") {
		t.Errorf("the call is not shown in\n%s", first.out)
	}

	s, err := load("../..", state, anyPort())
	if err != nil {
		t.Fatal(err)
	}
	var key strings.Builder
	if err := manageKeys(t.Context(), s, []string{"create", "reader"}, &key); err != nil {
		t.Error(err)
	}
	if status, answer := first.call(t, "GET", "/sync/status", strings.TrimSpace(key.String())); status != http.StatusOK {
		t.Errorf("with another key: %d %v", status, answer)
	}
	for name, do := range map[string]func() error{
		"a second run": func() error { return run(t.Context(), t.Context(), s, io.Discard) },
		"a reset":      func() error { return reset(t.Context(), s, asking{yes: true}, io.Discard) },
	} {
		if err := do(); err == nil || err.Error() != "the system is running in this folder already. Stop it first, with Ctrl-C in its terminal" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, step := range []string{"building \\d+ functions", "starting Postgres", "migrating the database"} {
		if !regexp.MustCompile(`done: ` + step + `.* seconds=\d+\.\d`).MatchString(first.out.String()) {
			t.Errorf("how long %s took is not shown in\n%s", step, first.out)
		}
	}
	var shown strings.Builder
	if err := syncNow(t.Context(), s, nil, &shown); err != nil || !strings.Contains(shown.String(), "partners       25 read; rows: 25 new") {
		t.Errorf("a sync shows %v\n%s", err, &shown)
	}
	if err := syncNow(t.Context(), s, []string{"people"}, &shown); err == nil || !strings.Contains(err.Error(), `no database "people"`) {
		t.Errorf("a sync of an unknown database: %v", err)
	}
	first.stop(t)
	if left := children(t); len(left) > 0 {
		t.Errorf("processes are left: %q", left)
	}
	if _, err := os.Stat(s.kept(envFile)); err == nil {
		t.Error("the file for others is left")
	}

	again := time.Now()
	second := startSystem(t, state, "LOG_FORMAT=json")
	t.Logf("ready after %v the second time", time.Since(again))
	for _, name := range []string{"API_KEY", "DATABASE_URL", "NOTION_PARTNERS_DATABASE_ID"} {
		if second.env[name] != first.env[name] {
			t.Errorf("%s is another", name)
		}
	}
	if status, answer := second.call(t, "GET", "/sync/status", strings.TrimSpace(key.String())); status != http.StatusOK {
		t.Errorf("with the key of before: %d %v", status, answer)
	}
	second.stop(t)
	for line := range strings.Lines(second.out.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("%q is no JSON", line)
		}
	}
	var deleted strings.Builder
	if err := reset(t.Context(), s, asking{command: "reset"}, &deleted); err == nil || !strings.Contains(err.Error(), "make reset YES=1") {
		t.Errorf("a reset with nobody to ask: %v", err)
	}
	if err := reset(t.Context(), s, asking{input: strings.NewReader("no\n")}, &deleted); err != nil || !strings.Contains(deleted.String(), "Nothing was deleted.") || !exists(s.kept(keyFile)) {
		t.Errorf("a reset that is not agreed to: %v\n%s", err, &deleted)
	}
	if err := reset(t.Context(), s, asking{input: strings.NewReader("y\n")}, &deleted); err != nil || !strings.Contains(deleted.String(), "the simulated Notion workspace (") || !strings.Contains(deleted.String(), "Deleted ") {
		t.Errorf("%v\n%s", err, &deleted)
	}
	if entries, err := os.ReadDir(state); err != nil || slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return !slices.Contains([]string{functionsDir, lockFile, folderFile}, e.Name())
	}) {
		t.Errorf("left after a reset: %v, %v", entries, err)
	}
}

// TestSignals: whatever ends the system, no process is left; and after kill -9 too the next run has the data.
func TestSignals(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	prepare(t, state)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGINT} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), helperVariable+"="+state)
		out := &output{}
		cmd.Stderr = out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		r := &running{env: awaitReady(t, state, done, out)}
		if status, answer := r.call(t, "GET", "/sync/status", r.env["API_KEY"]); status != http.StatusOK {
			t.Errorf("before %v: %d %v", sig, status, answer)
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		if err := <-done; (err == nil) != (sig != syscall.SIGKILL) {
			t.Errorf("%v: %v %s", sig, err, out)
		}
		if runtime.GOOS == "linux" { // elsewhere a database server may outlive the kill; the next run ends it
			awaitNone(t, state, r.env["DATABASE_URL"])
		}
		if err := os.Remove(filepath.Join(state, envFile)); (err == nil) != (sig == syscall.SIGKILL) {
			t.Errorf("after %v the file for others: %v", sig, err)
		}
	}
	removeDatabase(t, state)
}

// awaitNone waits until no function of that state runs and its database is gone.
func awaitNone(t *testing.T, state, databaseURL string) {
	t.Helper()
	database, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(10 * time.Second); ; {
		out, err := exec.Command("ps", "-axo", "args=").Output()
		if err != nil {
			t.Fatal(err)
		}
		connection, err := net.Dial("tcp", database.Host)
		if err == nil {
			connection.Close()
		} else if !strings.Contains(string(out), state) {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("processes are left: %s", out)
		case <-ticker.C:
		}
	}
}

// TestDatabaseThatEndsIsStartedAgain: its data and its address stay.
func TestDatabaseThatEndsIsStartedAgain(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	r := startSystem(t, state)
	at := slices.IndexFunc(children(t), func(child string) bool { return strings.Contains(child, "postgres -D") })
	if at < 0 {
		t.Fatalf("no server among %q", children(t))
	}
	pid := strings.Fields(children(t)[at])[0]
	if out, err := exec.Command("kill", "-9", pid).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(30 * time.Second); ; {
		if status, _ := r.call(t, "GET", "/sync/status", r.env["API_KEY"]); status == http.StatusOK && strings.Contains(r.out.String(), "is started again") {
			break
		}
		select {
		case <-deadline:
			t.Fatalf("it is not back\n%s", r.out)
		case <-ticker.C:
		}
	}
	r.stop(t)
	removeDatabase(t, state)
}

func removeDatabase(t *testing.T, state string) {
	t.Helper()
	s, err := load("../..", state, anyPort())
	if err != nil {
		t.Fatal(err)
	}
	if err := reset(t.Context(), s, asking{yes: true}, io.Discard); err != nil {
		t.Error(err)
	}
}

// TestRealWorkspace: with a token and a database no simulator is started, and functions call the real Notion.
func TestRealWorkspace(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var authorization string
	checked := false
	notion := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if !checked { // before the system starts
			checked = true
			_, _ = io.WriteString(w, `{"object":"user","id":"`+anID+`","type":"bot","bot":{}}`)
			return
		}
		authorization = r.Header.Get("Authorization")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"object":"error","status":401,"code":"unauthorized","message":"API token is invalid."}`)
	}))
	defer notion.Close()
	state, id := filepath.Join(t.TempDir(), "state"), "0123456789abcdef0123456789abcdef"
	r := startSystem(t, state, "NOTION_TOKEN=ntn_real", "NOTION_PARTNERS_DATABASE_ID="+id, "NOTION_API_URL="+notion.URL)
	if r.env["NOTION_URL"] != notion.URL || r.env["NOTION_TOKEN"] != "ntn_real" || r.env["NOTION_PARTNERS_DATABASE_ID"] != id || r.env["NOTION_PERSON_TOKEN"] != "" {
		t.Errorf("environment %v", r.env)
	}
	r.call(t, "GET", "/health", "")
	mu.Lock()
	defer mu.Unlock()
	if authorization != "Bearer ntn_real" {
		t.Errorf("Notion was called with %q", authorization)
	}
	if strings.Contains(r.out.String(), "ntn_real") {
		t.Error("the token is shown")
	}
	r.stop(t)
	removeDatabase(t, state)
}

// TestStartRefuses: what stands in the way is said in one line, soon, and nothing is left running.
func TestStartRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		environ []string
		want    string
	}{
		"a taken port":            {[]string{"PORT=" + port}, "port " + port + " of PORT (in the environment) is taken by " + filepath.Base(os.Args[0])},
		"a taken port of another": {[]string{"CLOUD_PORT=" + port}, "or set CLOUD_PORT to another port"},
		"a database that is away": {[]string{"DATABASE_URL=postgres://me:secret@127.0.0.1:1/x"}, "DATABASE_URL (in the environment) names 127.0.0.1:1, where no database listens"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := load("../..", filepath.Join(t.TempDir(), "state"), append(anyPort(), c.environ...))
			if err != nil {
				t.Fatal(err)
			}
			var out output
			err = run(t.Context(), t.Context(), s, &out)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
			if strings.Contains(out.String()+err.Error(), "secret") {
				t.Errorf("a password is shown: %v %s", err, &out)
			}
		})
	}
	if left := children(t); len(left) > 0 {
		t.Errorf("processes are left: %q", left)
	}
}
