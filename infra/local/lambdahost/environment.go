package lambdahost

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/process"
)

// memoryCheck is how often an environment's memory is looked at. What it had in between is seen as well: the kernel keeps the peak.
const memoryCheck = 100 * time.Millisecond

// initTime is how long an environment may take to ask for work, as on Lambda.
const initTime = 10 * time.Second

// invocation is one call of a function. The Runtime API fills in result and closes done.
type invocation struct {
	id       string
	event    []byte
	deadline time.Time
	done     chan struct{}

	mu     sync.Mutex
	result *Result
}

// answer sets the result; the first one counts.
func (i *invocation) answer(result Result) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.result == nil {
		i.result = &result
	}
}

func (i *invocation) answered() (Result, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.result == nil {
		return Result{}, false
	}
	return *i.result, true
}

// environment is one process that runs a function, and the Runtime API that it alone talks to.
type environment struct {
	function Function
	config   *Config
	process  *process.Process
	api      *http.Server
	output   *lineWriter
	ready    chan struct{}    // closed when it asks for work the first time
	work     chan *invocation // hands one over to the process's request for it
	retire   *time.Timer      // the pool's
	outgrown atomic.Bool      // it had more memory than the function may have

	mu         sync.Mutex
	current    *invocation
	initFailed *Result // what it reported to init/error
}

func newEnvironment(function Function, config *Config) (*environment, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // returns at once
	if err != nil {
		return nil, err
	}
	e := &environment{
		function: function, config: config, ready: make(chan struct{}), work: make(chan *invocation),
		output: &lineWriter{emit: func(line []byte) { config.Sink.Line(function.Name, line) }},
	}
	cmd := exec.Command(function.Bootstrap) //nolint:gosec,noctx // built by us; killed by kill
	cmd.Dir = filepath.Dir(function.Bootstrap)
	cmd.Env = e.environ(listener.Addr().String())
	cmd.Stdout, cmd.Stderr = e.output, e.output
	if e.process, err = process.Start(cmd, syscall.SIGKILL); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	e.api = &http.Server{Handler: e.runtimeAPI(), ReadHeaderTimeout: initTime}
	go func() { _ = e.api.Serve(listener) }()
	go e.limitMemory()
	return e, nil
}

// limitMemory kills the process once it has had more memory than the function may have, as Lambda does.
func (e *environment) limitMemory() {
	tick := time.NewTicker(memoryCheck)
	defer tick.Stop()
	for {
		select {
		case <-e.process.Done():
			return
		case <-tick.C:
			e.checkMemory()
		}
	}
}

// checkMemory reports whether the process has outgrown its memory, and kills it where it has.
func (e *environment) checkMemory() bool {
	if limit := int64(e.function.MemoryMB) << 20; limit > 0 && e.process.PeakMemory() > limit {
		e.outgrown.Store(true)
		e.process.Signal(syscall.SIGKILL)
	}
	return e.outgrown.Load()
}

// environ returns the variables of the process. Nothing of the host's own is passed on, but for Config.Environment.
//
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func (e *environment) environ(runtimeAPI string) []string {
	variables := map[string]string{
		"AWS_ACCESS_KEY_ID":               "local",
		"AWS_DEFAULT_REGION":              e.config.Region,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(e.function.MemoryMB),
		"AWS_LAMBDA_FUNCTION_NAME":        e.function.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + e.function.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      "local",
		"AWS_REGION":                      e.config.Region,
		"AWS_SECRET_ACCESS_KEY":           "local",
		"AWS_SESSION_TOKEN":               "local",
		"LAMBDA_TASK_ROOT":                filepath.Dir(e.function.Bootstrap),
		"LANG":                            "en_US.UTF-8",
		"PATH":                            "/usr/local/bin:/usr/bin:/bin",
		"TZ":                              ":UTC",
	}
	for _, more := range []map[string]string{e.config.Environment, e.function.Environment} {
		for name, value := range more {
			variables[name] = value
		}
	}
	variables["_HANDLER"], variables["AWS_LAMBDA_RUNTIME_API"] = "bootstrap", runtimeAPI
	environ := make([]string, 0, len(variables))
	for name, value := range variables {
		environ = append(environ, name+"="+value)
	}
	return environ
}

// awaitReady waits until the environment asks for work, and gives how it failed when it does not.
func (e *environment) awaitReady(id string) *Result {
	timer := time.NewTimer(initTime)
	defer timer.Stop()
	select {
	case <-e.ready:
		return nil
	case <-e.process.Done():
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.initFailed != nil {
			return e.initFailed
		}
		return e.exited(id)
	case <-timer.C:
		return failure("Sandbox.Timedout", id, fmt.Sprintf("Task timed out after %.2f seconds", initTime.Seconds()))
	}
}

// invoke hands call to the process and waits for the process to finish it: to answer and ask for the next, to exit, or to reach the
// time limit, at which it is killed. delivered is false when the process was dead already.
func (e *environment) invoke(call *invocation) (result Result, delivered bool) {
	call.deadline = e.config.Now().Add(e.function.Timeout)
	select {
	case e.work <- call:
	case <-e.process.Done():
		return Result{}, false
	}
	timer := time.NewTimer(e.function.Timeout)
	defer timer.Stop()
	select {
	case <-call.done:
		if e.checkMemory() {
			e.kill()
			return *e.exited(call.id), true
		}
	case <-e.process.Done():
		call.answer(*e.exited(call.id))
	case <-timer.C:
		e.kill()
		call.answer(*failure("Sandbox.Timedout", call.id, fmt.Sprintf("Task timed out after %.2f seconds", e.function.Timeout.Seconds())))
	}
	result, _ = call.answered()
	return result, true
}

func (e *environment) alive() bool {
	select {
	case <-e.process.Done():
		return false
	default:
		return true
	}
}

// kill ends the process, which may be dead, and its Runtime API.
func (e *environment) kill() {
	e.process.Stop(0)
	_ = e.api.Close()
	e.output.flush()
}

// exited says how the process ended, in Lambda's words.
func (e *environment) exited(id string) *Result {
	if e.outgrown.Load() {
		return failure("Runtime.OutOfMemory", id, fmt.Sprintf("Runtime exited with error: signal: killed (it had more than its %d MB of memory)", e.function.MemoryMB))
	}
	if err := e.process.Err(); err != nil {
		return failure("Runtime.ExitError", id, fmt.Sprintf("Runtime exited with error: %v", err))
	}
	return failure("Runtime.ExitError", id, "Runtime exited without providing a reason")
}

// failure is a result as Lambda gives it when the function itself could not.
func failure(kind, id, message string) *Result {
	payload, err := json.Marshal(map[string]string{"errorType": kind, "errorMessage": "RequestId: " + id + " Error: " + message})
	if err != nil {
		panic(err) // texts always encode
	}
	return &Result{Payload: payload, Failed: true}
}
