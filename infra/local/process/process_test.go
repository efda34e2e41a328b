package process_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/act-platform/enhanced-integration/infra/local/process"
)

// helper makes the test binary a parent: it starts a child, prints the child's id and waits to be killed.
const helper = "PROCESS_TEST_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(helper) != "" {
		child, err := process.Start(exec.Command("sleep", "600"), syscall.SIGKILL)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Fprintln(os.Stdout, child.PID())
		runtime.GC()
		<-child.Done()
		return
	}
	goleak.VerifyTestMain(m)
}

// open returns a command that runs until its input ends, which is when the test does.
func open(t *testing.T, program string, arguments ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program, arguments...)
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { input.Close() })
	return cmd
}

func TestStop(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script string
		want   syscall.Signal
	}{
		"one that obeys":            {"echo ready; exec cat", syscall.SIGTERM},
		"one that has to be killed": {"trap '' TERM; echo ready; cat", syscall.SIGKILL},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := open(t, "sh", "-c", c.script)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			child, err := process.Start(cmd, syscall.SIGKILL)
			if err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
				t.Fatalf("the child says %q, %v", line, err)
			}
			child.Stop(100*time.Millisecond, syscall.SIGTERM)
			ended, ok := errors.AsType[*exec.ExitError](child.Err())
			if !ok || ended.Sys().(syscall.WaitStatus).Signal() != c.want {
				t.Errorf("ended with %v, want signal %v", child.Err(), c.want)
			}
			child.Stop(time.Second, syscall.SIGTERM) // a second time does nothing
		})
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	if _, err := process.Start(exec.Command("/nonexistent"), syscall.SIGKILL); err == nil {
		t.Error("started")
	}
}

// TestChildOfAKilledParent: Linux ends the child; nothing of ours runs that could.
func TestChildOfAKilledParent(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells a child that its parent is gone")
	}
	parent := open(t, os.Args[0])
	parent.Env = append(os.Environ(), helper+"=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("the child does not run: %v", err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	deadline, ticker := time.After(5*time.Second), time.NewTicker(5*time.Millisecond)
	defer ticker.Stop()
	for runs(pid) {
		select {
		case <-deadline:
			t.Fatal("the child still runs")
		case <-ticker.C:
		}
	}
}

// runs reports whether a process is there that is more than a zombie, whose new parent may be slow to take notice.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
