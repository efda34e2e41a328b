package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// sitting is one run of the program.
type sitting struct {
	code   code
	store  store
	commit string
	until  time.Time // no part is begun after it; zero: until all are done
	now    func() time.Time
	out    io.Writer
}

// run runs the parts of the tests that have not passed on this code, and gives all results in the plan's order. A part that fails does not
// keep the others from running.
func (s sitting) run(ctx context.Context, tests []test) ([]line, error) {
	var lines []line
	for _, t := range tests {
		digest, err := s.code.digest(ctx, t)
		if err != nil {
			return nil, err
		}
		l := line{Test: t}
		for _, p := range t.Parts {
			r, err := s.store.load(t.Name, digest, p.Name)
			if err != nil {
				return nil, err
			}
			if r == nil || !r.Passed {
				if r, err = s.part(ctx, t, p, digest, r); err != nil {
					return nil, err
				}
			}
			l.take(r)
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// part runs a part, if there is time, and keeps what became of it. before is its result so far.
func (s sitting) part(ctx context.Context, t test, p part, digest string, before *result) (*result, error) {
	if ctx.Err() != nil || !s.until.IsZero() && !s.now().Before(s.until) {
		return before, nil
	}
	log := s.store.path(t.Name, digest, p.Name, ".log")
	if err := os.MkdirAll(filepath.Dir(log), 0o700); err != nil {
		return nil, err
	}
	file, err := os.Create(log) //nolint:gosec // a name of ours
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	_, _ = fmt.Fprintf(s.out, "%s %s: %s\n", t.Name, p.Name, strings.Join(p.Command, " "))
	r := result{Test: t.Name, Part: p.Name, Digest: digest, Commit: s.commit, Began: s.now()}
	cmd := exec.CommandContext(ctx, p.Command[0], p.Command[1:]...) //nolint:gosec // the plan's own
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.code.root, file, file
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that what it has started ends with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	failed := cmd.Run()
	if ctx.Err() != nil {
		return before, nil // cut short: it says nothing
	}
	r.Seconds, r.Passed = s.now().Sub(r.Began).Seconds(), failed == nil
	said, err := os.ReadFile(log) //nolint:gosec // a name of ours
	if err != nil {
		return nil, err
	}
	r.Figure = figureOf(string(said), t.Figure)
	verdict := "passed"
	if !r.Passed {
		verdict = "FAILED, see " + log
	}
	_, _ = fmt.Fprintf(s.out, "%s %s: %s after %s\n", t.Name, p.Name, verdict, time.Duration(r.Seconds*float64(time.Second)).Round(time.Second))
	return &r, s.store.save(r)
}
