// Package lambdahost runs Lambda functions on this machine as Lambda does: each built bootstrap in processes of its own, its execution
// environments, which fetch their work from the Lambda Runtime API. Environments are started when they are needed, work on one
// invocation at a time, are kept for the next one, are killed at the function's limits of time and memory and replaced when they crash.
//
// One thing is not imitated: Lambda freezes an environment between invocations, here it runs on.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
package lambdahost

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// MaxPayload is how many bytes an invocation's event and its result may have, as on Lambda.
const MaxPayload = 6291556

// Errors of Invoke, for which the function was not called.
var (
	ErrUnknown   = errors.New("there is no such function")
	ErrThrottled = errors.New("as many of the function run as its reserved concurrency allows")
	ErrTooLarge  = fmt.Errorf("the event has more than %d bytes", MaxPayload)
	ErrClosed    = errors.New("the host is closed")
)

// Function is a function to run.
type Function struct {
	Name        string
	Bootstrap   string // path of the built program
	Timeout     time.Duration
	MemoryMB    int // a process that had more is killed, on Linux; 0: it may have what there is
	Concurrency int // reserved concurrency: more invocations at once are refused; 0: Config.Environments, and more wait
	Environment map[string]string
}

// Config says how functions are run.
type Config struct {
	Functions    []Function
	Environments int               // the most environments of one function at once
	Idle         time.Duration     // an environment that nobody used for so long is ended
	Region       string            // told to the functions
	AccountID    string            // part of the functions' ARNs
	Environment  map[string]string // set for every function; a function's own wins
	Sink         Sink
	Now          func() time.Time
	NewID        func() string // ids of invocations
}

// Sink takes what functions write and how their invocations went. Its methods are called by several goroutines at once.
type Sink interface {
	// Line takes one line of a function's output, without its end. The bytes are the caller's again when Line returns.
	Line(function string, line []byte)
	// Report takes the end of an invocation.
	Report(Report)
}

// Report says how an invocation went.
type Report struct {
	Function  string
	RequestID string
	Event     []byte
	Result    Result
	Init      time.Duration // how long a new environment took to start; 0 where one was at hand
	Duration  time.Duration // from the event's delivery to the result
}

// Result is what a function answered.
type Result struct {
	Payload []byte
	Failed  bool // the function failed: Payload is an error as Lambda shows it, {"errorType","errorMessage",…}
}

// Host runs functions.
type Host struct {
	config Config
	pools  map[string]*pool
	done   chan struct{} // closed by Close: nothing new is begun
	close  func()
	mu     sync.Mutex // guards running against an Add during Close's Wait
	closed bool
	work   sync.WaitGroup // invocations under way
}

// New makes a host. Nothing runs before the first invocation.
func New(config Config) *Host {
	h := &Host{config: config, pools: map[string]*pool{}, done: make(chan struct{})}
	h.close = sync.OnceFunc(func() { close(h.done) })
	for _, function := range config.Functions {
		h.pools[function.Name] = newPool(function, &h.config)
	}
	return h
}

// Invoke calls a function and waits for its result. Where ctx ends first, the invocation goes on without a listener, as on Lambda.
// Errors other than those of this package are ctx's.
func (h *Host) Invoke(ctx context.Context, name string, event []byte) (Result, error) {
	pool, ok := h.pools[name]
	if !ok {
		return Result{}, fmt.Errorf("%w: %s", ErrUnknown, name)
	}
	if len(event) > MaxPayload {
		return Result{}, ErrTooLarge
	}
	if err := pool.acquire(ctx, h.done); err != nil {
		return Result{}, err
	}
	if !h.begin() {
		pool.release()
		return Result{}, ErrClosed
	}
	result := make(chan Result, 1)
	go func() {
		defer h.work.Done()
		report := pool.run(event)
		h.config.Sink.Report(report)
		pool.release() // before the caller has its result: the next call of one that waits must not be throttled
		result <- report.Result
	}()
	select {
	case r := <-result:
		return r, nil
	case <-ctx.Done():
		return Result{}, context.Cause(ctx)
	}
}

func (h *Host) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.work.Add(1)
	return true
}

// Close takes no more invocations, waits for those under way until ctx ends, and kills every environment. No process is left when it
// returns.
func (h *Host) Close(ctx context.Context) {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.close()
	finished := make(chan struct{})
	go func() {
		h.work.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-ctx.Done():
	}
	for _, pool := range h.pools {
		pool.killAll()
	}
	<-finished
}
