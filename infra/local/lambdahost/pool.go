package lambdahost

import (
	"context"
	"slices"
	"sync"
	"time"
)

// pool holds the environments of one function.
type pool struct {
	function Function
	config   *Config
	slots    chan struct{} // one for each invocation under way

	mu     sync.Mutex
	all    []*environment
	idle   []*environment // the last used one last, so that the others may grow old
	closed bool
}

func newPool(function Function, config *Config) *pool {
	size := config.Environments
	if function.Concurrency > 0 {
		size = function.Concurrency
	}
	return &pool{function: function, config: config, slots: make(chan struct{}, size)}
}

// acquire takes a slot, which release gives back.
func (p *pool) acquire(ctx context.Context, closed <-chan struct{}) error {
	if p.function.Concurrency > 0 {
		select {
		case p.slots <- struct{}{}:
			return nil
		default:
			return ErrThrottled
		}
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-closed:
		return ErrClosed
	}
}

func (p *pool) release() { <-p.slots }

// run carries out one invocation, in an environment at hand or in a new one.
func (p *pool) run(event []byte) Report {
	call := &invocation{id: p.config.NewID(), event: event, done: make(chan struct{})}
	report := Report{Function: p.function.Name, RequestID: call.id, Event: event}
	for {
		env := p.take()
		if env == nil {
			began := p.config.Now()
			var failure *Result
			env, failure = p.start(call.id)
			report.Init = p.config.Now().Sub(began)
			if failure != nil {
				report.Result = *failure
				return report
			}
		}
		began := p.config.Now()
		result, delivered := env.invoke(call)
		if !delivered { // it died while nobody used it
			p.remove(env)
			continue
		}
		report.Duration, report.Result = p.config.Now().Sub(began), result
		p.put(env)
		return report
	}
}

// start starts an environment and waits until it asks for work, or gives how it failed.
func (p *pool) start(id string) (*environment, *Result) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, failure("Sandbox.Failure", id, "the host is closed")
	}
	env, err := newEnvironment(p.function, p.config)
	if err != nil {
		p.mu.Unlock()
		return nil, failure("Runtime.InvalidEntrypoint", id, err.Error())
	}
	p.all = append(p.all, env)
	p.mu.Unlock()
	if failed := env.awaitReady(id); failed != nil {
		p.remove(env)
		return nil, failed
	}
	return env, nil
}

func (p *pool) take() *environment {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	env := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	env.retire.Stop()
	return env
}

// put keeps an environment for the next invocation, or ends it when it is dead or the host is closing.
func (p *pool) put(env *environment) {
	p.mu.Lock()
	keep := !p.closed && env.alive()
	if keep {
		p.idle = append(p.idle, env)
		env.retire = time.AfterFunc(p.config.Idle, func() { p.retire(env) })
	}
	p.mu.Unlock()
	if !keep {
		p.remove(env)
	}
}

// retire ends an environment that is idle still.
func (p *pool) retire(env *environment) {
	p.mu.Lock()
	at := slices.Index(p.idle, env)
	if at >= 0 {
		p.idle = slices.Delete(p.idle, at, at+1)
	}
	p.mu.Unlock()
	if at >= 0 {
		p.remove(env)
	}
}

func (p *pool) remove(env *environment) {
	env.kill()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = slices.DeleteFunc(p.all, func(e *environment) bool { return e == env })
}

// killAll ends every environment and lets no new one begin.
func (p *pool) killAll() {
	p.mu.Lock()
	p.closed = true
	all := slices.Clone(p.all)
	for _, env := range p.idle {
		env.retire.Stop()
	}
	p.idle = nil
	p.mu.Unlock()
	for _, env := range all {
		env.kill()
	}
}
