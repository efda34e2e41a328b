// Package process runs child processes that end with their parent.
package process

import (
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Process is a child process that has started.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // how it ended; written before done is closed
}

// Start starts cmd in a process group of its own, so that Ctrl-C at a terminal reaches the parent alone, who ends its children in
// order. Should the parent die without doing so, the kernel sends the child the signal orphaned (Linux; elsewhere the child lives on).
//
// Linux sends that signal when the thread that started the child ends, not the process: the thread is kept until the child is gone.
func Start(cmd *exec.Cmd, orphaned syscall.Signal) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	setParentDeathSignal(cmd.SysProcAttr, orphaned)
	cmd.WaitDelay = time.Second // a grandchild may hold the output open

	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// PID returns the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended and its output has been read.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the process ended, as [exec.Cmd.Wait] does. Only after Done.
func (p *Process) Err() error { return p.err }

// Signal sends sig; a process that has ended is left in peace.
func (p *Process) Signal(sig syscall.Signal) {
	_ = p.cmd.Process.Signal(sig) // fails only when it has ended
}

// Stop sends the signals one after the other, each with grace to obey, then kills, and returns when the process has ended.
func (p *Process) Stop(grace time.Duration, signals ...syscall.Signal) {
	for _, sig := range signals {
		p.Signal(sig)
		timer := time.NewTimer(grace)
		select {
		case <-p.done:
			timer.Stop()
			return
		case <-timer.C:
		}
	}
	p.Signal(syscall.SIGKILL)
	<-p.done
}
