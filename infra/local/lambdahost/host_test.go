package lambdahost_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
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

	"github.com/google/uuid"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
)

// bootstrapVariable names the built test function, helperVariable makes the test binary a host that is going to be killed.
const (
	bootstrapVariable = "LAMBDAHOST_TEST_BOOTSTRAP"
	helperVariable    = "LAMBDAHOST_TEST_HELPER"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv(helperVariable) != "" {
		return helper()
	}
	dir, err := os.MkdirTemp("", "lambdahost")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	bootstrap := filepath.Join(dir, "bootstrap")
	if err := lambdahost.Build(context.Background(), "", bootstrap, "./testdata/function"); err != nil {
		panic(err)
	}
	os.Setenv(bootstrapVariable, bootstrap)
	if code := m.Run(); code != 0 {
		return code
	}
	// A server waits half a second before it closes a connection whose client sent more than was read.
	if err := goleak.Find(goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// sink keeps what it is given.
type sink struct {
	mu      sync.Mutex
	lines   []string
	reports []lambdahost.Report
	changed chan struct{}
}

func newSink() *sink { return &sink{changed: make(chan struct{}, 1)} }

func (s *sink) Line(function string, line []byte) {
	s.mu.Lock()
	s.lines = append(s.lines, function+": "+string(line))
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *sink) Report(r lambdahost.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reports = append(s.reports, r)
}

// await waits until the sink has the lines.
func (s *sink) await(t *testing.T, want ...string) {
	t.Helper()
	for {
		s.mu.Lock()
		got := slices.Clone(s.lines)
		s.mu.Unlock()
		if slices.Equal(got, want) {
			return
		}
		select {
		case <-s.changed:
		case <-time.After(5 * time.Second):
			t.Fatalf("lines %q, want %q", got, want)
		}
	}
}

func config(functions ...lambdahost.Function) lambdahost.Config {
	for i := range functions {
		functions[i].Name = "f" + strconv.Itoa(i)
		functions[i].MemoryMB = 128
		if functions[i].Bootstrap == "" {
			functions[i].Bootstrap = os.Getenv(bootstrapVariable)
		}
		if functions[i].Timeout == 0 {
			functions[i].Timeout = 20 * time.Second
		}
	}
	return lambdahost.Config{
		Functions: functions, Environments: 10, Idle: time.Hour, Region: "eu-west-1", AccountID: "000000000000",
		Environment: map[string]string{"SHARED": "yes", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
		Sink:        newSink(), Now: time.Now, NewID: uuid.NewString,
	}
}

func start(t *testing.T, config lambdahost.Config) *lambdahost.Host {
	t.Helper()
	host := lambdahost.New(config)
	t.Cleanup(func() { host.Close(context.Background()) })
	return host
}

func event(do, text string) []byte {
	event, err := json.Marshal(map[string]string{"Do": do, "Text": text})
	if err != nil {
		panic(err)
	}
	return event
}

// invoke calls f0 and decodes what it gives into result.
func invoke(t *testing.T, host *lambdahost.Host, event []byte, result any) {
	t.Helper()
	got, err := host.Invoke(t.Context(), "f0", event)
	if err != nil || got.Failed {
		t.Fatalf("result %s, failed %v, error %v", got.Payload, got.Failed, err)
	}
	if err := json.Unmarshal(got.Payload, result); err != nil {
		t.Fatal(err)
	}
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	host := start(t, config(lambdahost.Function{}))
	var first, second int
	invoke(t, host, event("pid", ""), &first)
	invoke(t, host, event("pid", ""), &second)
	if first != second {
		t.Errorf("one after the other ran in environments %d and %d", first, second)
	}
	var text string
	if invoke(t, host, event("echo", "ä\x00\n"), &text); text != "ä\x00\n" {
		t.Errorf("echo %q", text)
	}
}

func TestInvocation(t *testing.T) {
	t.Parallel()
	c := config(lambdahost.Function{Timeout: 7 * time.Second})
	c.NewID = func() string { return "8f5cf2c5-4f0e-4d0e-9a4e-a9b9a53c5b3c" }
	var got struct {
		ID, ARN, Trace string
		Left           int
	}
	invoke(t, start(t, c), event("invocation", ""), &got)
	if got.ID != c.NewID() || got.ARN != "arn:aws:lambda:eu-west-1:000000000000:function:f0" {
		t.Errorf("invocation %+v", got)
	}
	if got.Left <= 5000 || got.Left > 7000 {
		t.Errorf("%d ms are left of 7 s", got.Left)
	}
	if !regexp.MustCompile(`^Root=1-[0-9a-f]{8}-8f5cf2c54f0e4d0e9a4ea9b9;Parent=8f5cf2c54f0e4d0e;Sampled=0$`).MatchString(got.Trace) {
		t.Errorf("trace %q", got.Trace)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("SECRET_OF_THE_HOST", "yes")
	c := config(lambdahost.Function{Environment: map[string]string{"OWN": "1", "SHARED": "mine", "_HANDLER": "other"}})
	var got []string
	invoke(t, start(t, c), event("environment", ""), &got)
	for _, want := range []string{
		"AWS_LAMBDA_FUNCTION_NAME=f0", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128", "AWS_REGION=eu-west-1", "_HANDLER=bootstrap",
		"AWS_ENDPOINT_URL=http://127.0.0.1:1", "OWN=1", "SHARED=mine", "TZ=:UTC", "AWS_ACCESS_KEY_ID=local",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s in %q", want, got)
		}
	}
	for _, variable := range got {
		if strings.HasPrefix(variable, "SECRET_OF_THE_HOST") {
			t.Error("the host's own environment is passed on")
		}
	}
}

// TestFailures: each way to fail gives an error in Lambda's shape, and the next invocation is well.
func TestFailures(t *testing.T) {
	t.Parallel()
	c := config(lambdahost.Function{})
	c.NewID = func() string { return "id" }
	host := start(t, c)
	for name, want := range map[string]struct{ event, kind, message string }{
		"an error":                 {string(event("fail", "refused")), "errorString", "refused"},
		"a panic":                  {string(event("panic", "burst")), "errorString", "the handler panicked; its stack is in the log"},
		"an exit":                  {string(event("exit", "")), "Runtime.ExitError", "RequestId: id Error: Runtime exited with error: exit status 2"},
		"an answer too large":      {`{"do":"big","times":7000000}`, "Function.ResponseSizeTooLarge", "exceeded maximum allowed payload size"},
		"what the function cannot": {`[]`, "UnmarshalTypeError", "cannot unmarshal"},
	} {
		got, err := host.Invoke(t.Context(), "f0", []byte(want.event))
		var failure struct{ ErrorType, ErrorMessage string }
		if err != nil || !got.Failed || json.Unmarshal(got.Payload, &failure) != nil {
			t.Fatalf("%s: %s, failed %v, error %v", name, got.Payload, got.Failed, err)
		}
		if failure.ErrorType != want.kind || !strings.Contains(failure.ErrorMessage, want.message) {
			t.Errorf("%s: %+v", name, failure)
		}
		var text string
		if invoke(t, host, event("echo", "well"), &text); text != "well" {
			t.Errorf("after %s: %q", name, text)
		}
	}
}

func TestInitFailures(t *testing.T) {
	t.Parallel()
	c := config(
		lambdahost.Function{Environment: map[string]string{"INIT": "exit"}},
		lambdahost.Function{Environment: map[string]string{"INIT": "report"}},
		lambdahost.Function{Bootstrap: "/nonexistent/bootstrap"},
	)
	c.NewID = func() string { return "id" }
	host := start(t, c)
	for name, want := range map[string]string{
		"f0": `{"errorMessage":"RequestId: id Error: Runtime exited with error: exit status 3","errorType":"Runtime.ExitError"}`,
		"f1": `{"errorType":"Mine","errorMessage":"no configuration"}`,
		"f2": `{"errorMessage":"RequestId: id Error: fork/exec /nonexistent/bootstrap: no such file or directory","errorType":"Runtime.InvalidEntrypoint"}`,
	} {
		for range 2 { // it is tried anew each time
			got, err := host.Invoke(t.Context(), name, event("echo", ""))
			if err != nil || !got.Failed || strings.TrimSpace(string(got.Payload)) != want {
				t.Errorf("%s: %s, failed %v, error %v", name, got.Payload, got.Failed, err)
			}
		}
	}
}

func TestTimeLimit(t *testing.T) {
	t.Parallel()
	c := config(lambdahost.Function{Timeout: 500 * time.Millisecond})
	c.NewID = func() string { return "id" }
	host := start(t, c)
	var before, after int
	invoke(t, host, event("pid", ""), &before)
	began := time.Now()
	got, err := host.Invoke(t.Context(), "f0", event("hang", ""))
	if took := time.Since(began); took < 500*time.Millisecond || took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	want := `{"errorMessage":"RequestId: id Error: Task timed out after 0.50 seconds","errorType":"Sandbox.Timedout"}`
	if err != nil || !got.Failed || string(got.Payload) != want {
		t.Errorf("result %s, failed %v, error %v", got.Payload, got.Failed, err)
	}
	if runs(before) {
		t.Error("the process lives on")
	}
	if invoke(t, host, event("pid", ""), &after); after == before {
		t.Error("the same process again")
	}
}

// TestMemoryLimit: a process that had more memory than its function may have is killed, also where it has given it back.
func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		return // elsewhere nobody tells
	}
	c := config(lambdahost.Function{})
	c.NewID = func() string { return "id" }
	host := start(t, c)
	var before, after int
	invoke(t, host, event("pid", ""), &before)
	var text string
	if invoke(t, host, []byte(`{"do":"fill","times":40}`), &text); text != "filled" {
		t.Errorf("40 MB of 128: %q", text)
	}
	if invoke(t, host, event("pid", ""), &after); after != before {
		t.Error("another process after 40 MB of 128")
	}
	got, err := host.Invoke(t.Context(), "f0", []byte(`{"do":"fill","times":200}`))
	want := `{"errorMessage":"RequestId: id Error: Runtime exited with error: signal: killed (it had more than its 128 MB of memory)","errorType":"Runtime.OutOfMemory"}`
	if err != nil || !got.Failed || string(got.Payload) != want {
		t.Errorf("result %s, failed %v, error %v", got.Payload, got.Failed, err)
	}
	if runs(before) {
		t.Error("the process lives on")
	}
	if invoke(t, host, event("pid", ""), &after); after == before {
		t.Error("the same process again")
	}
}

// runs reports whether a process is there that is more than a zombie.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return syscall.Kill(pid, 0) == nil && runtime.GOOS != "linux"
	}
	return !strings.Contains(string(stat), ") Z ")
}

// TestDeadIdleEnvironmentIsReplaced: at most the invocation that was on its way when the process died fails.
func TestDeadIdleEnvironmentIsReplaced(t *testing.T) {
	t.Parallel()
	host := start(t, config(lambdahost.Function{}))
	var before, after int
	invoke(t, host, event("pid", ""), &before)
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if got, err := host.Invoke(t.Context(), "f0", event("pid", "")); err != nil || got.Failed && !strings.Contains(string(got.Payload), "signal: killed") {
		t.Errorf("result %s, error %v", got.Payload, err)
	}
	if invoke(t, host, event("pid", ""), &after); after == before {
		t.Error("the dead one again")
	}
}

// TestManyAtOnce: twenty callers, no invocation is lost or mixed up with another, and no more environments than allowed.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	c := config(lambdahost.Function{})
	c.Environments = 5
	host := start(t, c)
	var pids sync.Map
	var callers errgroup.Group
	for caller := range 20 {
		callers.Go(func() error {
			for i := range 100 {
				text := fmt.Sprintf("%d/%d", caller, i)
				got, err := host.Invoke(t.Context(), "f0", event("echo", text))
				if err != nil || got.Failed || string(bytes.TrimSpace(got.Payload)) != strconv.Quote(text) {
					return fmt.Errorf("%s: %s, failed %v, %w", text, got.Payload, got.Failed, err)
				}
			}
			got, err := host.Invoke(t.Context(), "f0", event("pid", ""))
			pids.Store(string(got.Payload), true)
			return err
		})
	}
	if err := callers.Wait(); err != nil {
		t.Error(err)
	}
	if n := len(maps.Collect(pids.Range)); n < 1 || n > 5 {
		t.Errorf("%d environments", n)
	}
	sink := c.Sink.(*sink)
	sink.mu.Lock()
	defer sink.mu.Unlock()
	cold := 0
	for _, r := range sink.reports {
		if r.Init > 0 {
			cold++
		}
	}
	if len(sink.reports) != 2020 || cold < 1 || cold > 5 {
		t.Errorf("%d reports, %d cold", len(sink.reports), cold)
	}
}

// TestCrashesAmongMany: invocations that take their process with them do not harm others.
func TestCrashesAmongMany(t *testing.T) {
	t.Parallel()
	host := start(t, config(lambdahost.Function{}))
	var callers errgroup.Group
	for caller := range 10 {
		callers.Go(func() error {
			for i := range 10 {
				if (caller+i)%5 == 0 {
					if got, err := host.Invoke(t.Context(), "f0", event("exit", "")); err != nil || !got.Failed {
						return fmt.Errorf("exit: %s, %w", got.Payload, err)
					}
				}
				if got, err := host.Invoke(t.Context(), "f0", event("echo", "x")); err != nil || got.Failed {
					return fmt.Errorf("echo: %s, %w", got.Payload, err)
				}
			}
			return nil
		})
	}
	if err := callers.Wait(); err != nil {
		t.Error(err)
	}
}

// gate makes a file; the function waits until it is gone.
func gate(t *testing.T) (path string, open func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "gate")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, func() { os.Remove(path) }
}

// background begins an invocation that waits for the gate, and returns once it does.
func background(t *testing.T, host *lambdahost.Host, sink *sink, path string) <-chan lambdahost.Result {
	t.Helper()
	result := make(chan lambdahost.Result, 1)
	go func() {
		got, err := host.Invoke(context.Background(), "f0", event("wait", path))
		if err != nil {
			t.Error(err)
		}
		result <- got
	}()
	sink.await(t, "f0: waiting")
	return result
}

func TestReservedConcurrency(t *testing.T) {
	t.Parallel()
	c := config(lambdahost.Function{Concurrency: 1})
	host := start(t, c)
	path, open := gate(t)
	first := background(t, host, c.Sink.(*sink), path)
	if _, err := host.Invoke(t.Context(), "f0", event("echo", "")); !errors.Is(err, lambdahost.ErrThrottled) {
		t.Errorf("a second one: %v", err)
	}
	open()
	if got := <-first; got.Failed {
		t.Errorf("result %s", got.Payload)
	}
	var text string
	if invoke(t, host, event("echo", "again"), &text); text != "again" {
		t.Error(text)
	}
}

// TestOneAfterTheOther: a function whose result is there counts no longer, so that a caller that waits for each is never throttled.
func TestOneAfterTheOther(t *testing.T) {
	t.Parallel()
	host := start(t, config(lambdahost.Function{Concurrency: 1}))
	for i := range 500 {
		if _, err := host.Invoke(t.Context(), "f0", event("echo", "")); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
}

// TestWaitingForAnEnvironment: who has to wait is served when one is free, or gives up with its context.
func TestWaitingForAnEnvironment(t *testing.T) {
	t.Parallel()
	c := config(lambdahost.Function{})
	c.Environments = 1
	host := start(t, c)
	path, open := gate(t)
	first := background(t, host, c.Sink.(*sink), path)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := host.Invoke(ctx, "f0", event("echo", "")); !errors.Is(err, context.Canceled) {
		t.Errorf("who gives up: %v", err)
	}
	second := make(chan string)
	go func() {
		var text string
		invoke(t, host, event("echo", "served"), &text)
		second <- text
	}()
	open()
	if got := <-first; got.Failed {
		t.Errorf("result %s", got.Payload)
	}
	if got := <-second; got != "served" {
		t.Error(got)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	host := start(t, config(lambdahost.Function{}))
	if _, err := host.Invoke(t.Context(), "other", nil); !errors.Is(err, lambdahost.ErrUnknown) {
		t.Errorf("unknown function: %v", err)
	}
	if _, err := host.Invoke(t.Context(), "f0", make([]byte, lambdahost.MaxPayload+1)); !errors.Is(err, lambdahost.ErrTooLarge) {
		t.Errorf("large event: %v", err)
	}
	host.Close(t.Context())
	if _, err := host.Invoke(t.Context(), "f0", event("echo", "")); !errors.Is(err, lambdahost.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// TestCallerWhoGivesUp: the invocation goes on without a listener, and its environment serves again.
func TestCallerWhoGivesUp(t *testing.T) {
	t.Parallel()
	c := config(lambdahost.Function{})
	c.Environments = 1
	host := start(t, c)
	var before, after int
	invoke(t, host, event("pid", ""), &before)
	path, open := gate(t)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := host.Invoke(ctx, "f0", event("wait", path))
		gone <- err
	}()
	c.Sink.(*sink).await(t, "f0: waiting")
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	open()
	if invoke(t, host, event("pid", ""), &after); after != before {
		t.Error("the environment did not serve again")
	}
}

func TestIdleEnvironmentIsEnded(t *testing.T) {
	t.Parallel()
	c := config(lambdahost.Function{})
	c.Idle = 10 * time.Millisecond
	host := start(t, c)
	var pid int
	invoke(t, host, event("pid", ""), &pid)
	for deadline := time.Now().Add(5 * time.Second); runs(pid); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("it lives on")
		}
	}
}

func TestCloseKillsWhatRuns(t *testing.T) {
	t.Parallel()
	c := config(lambdahost.Function{})
	host := start(t, c)
	var pid int
	invoke(t, host, event("pid", ""), &pid)
	path, _ := gate(t)
	result := background(t, host, c.Sink.(*sink), path)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	host.Close(ctx)
	if runs(pid) {
		t.Error("a process is left")
	}
	if got := <-result; !got.Failed || !strings.Contains(string(got.Payload), "signal: killed") {
		t.Errorf("result %s", got.Payload)
	}
}

func TestCloseWaitsForWhatRuns(t *testing.T) {
	t.Parallel()
	c := config(lambdahost.Function{})
	host := start(t, c)
	path, open := gate(t)
	result := background(t, host, c.Sink.(*sink), path)
	closed := make(chan struct{})
	go func() {
		host.Close(context.Background())
		close(closed)
	}()
	open()
	<-closed
	if got := <-result; got.Failed {
		t.Errorf("result %s", got.Payload)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	c := config(lambdahost.Function{})
	host := start(t, c)
	if _, err := host.Invoke(t.Context(), "f0", event("print", "one\ntwo\r\n")); err != nil {
		t.Fatal(err)
	}
	c.Sink.(*sink).await(t, "f0: one", "f0: two", "f0: one", "f0: two")
}

// TestKilledHostLeavesNoChild: kill -9 of the host ends the functions, even one that hangs.
func TestKilledHostLeavesNoChild(t *testing.T) {
	t.Parallel()
	host := exec.Command(os.Args[0])
	host.Env = append(os.Environ(), helperVariable+"=1")
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	var idle, hanging int
	if _, err := fmt.Fscan(out, &idle, &hanging); err != nil {
		t.Fatal(err)
	}
	if !runs(idle) || !runs(hanging) {
		t.Fatal("the children do not run")
	}
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	_ = host.Wait()
	wanted := []int{idle}
	if runtime.GOOS == "linux" { // elsewhere a function that never asks for work does not notice
		wanted = append(wanted, hanging)
	}
	for _, pid := range wanted {
		for deadline := time.Now().Add(5 * time.Second); runs(pid); runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatalf("process %d is left", pid)
			}
		}
	}
}

// helper runs a host with an idle environment and one that hangs, prints their process ids and waits to be killed.
func helper() int {
	host := lambdahost.New(config(lambdahost.Function{}, lambdahost.Function{}))
	for _, name := range []string{"f0", "f1"} {
		got, err := host.Invoke(context.Background(), name, event("pid", ""))
		if err != nil {
			return 1
		}
		fmt.Fprintln(os.Stdout, string(got.Payload))
	}
	_, _ = host.Invoke(context.Background(), "f1", event("hang", ""))
	return 1
}

func BenchmarkWarm(b *testing.B) {
	host := lambdahost.New(config(lambdahost.Function{}))
	defer host.Close(context.Background())
	for b.Loop() {
		if got, err := host.Invoke(b.Context(), "f0", event("echo", "x")); err != nil || got.Failed {
			b.Fatal(string(got.Payload), err)
		}
	}
}

func BenchmarkCold(b *testing.B) {
	for b.Loop() {
		host := lambdahost.New(config(lambdahost.Function{}))
		if got, err := host.Invoke(b.Context(), "f0", event("echo", "x")); err != nil || got.Failed {
			b.Fatal(string(got.Payload), err)
		}
		host.Close(context.Background())
	}
}
