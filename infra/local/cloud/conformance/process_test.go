//go:build conformance

package conformance_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	region       = "eu-west-1"
	installLimit = 5 * time.Minute
	startLimit   = 30 * time.Second
)

// venv returns the folder of a Python environment with what requirements.txt names, made where it is not there yet. Without
// Python, or without its packages, the test says so and is skipped at a desk; it fails in CI.
func venv(t *testing.T) string {
	t.Helper()
	giveUp := t.Skipf
	if os.Getenv("CI") == "true" {
		giveUp = t.Fatalf
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		giveUp("the aws command line and moto need python3: %v", err)
	}
	wanted, err := os.ReadFile("requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := filepath.Abs("../../../../.local/venv-cloud")
	if err != nil {
		t.Fatal(err)
	}
	installed := filepath.Join(folder, "installed.txt") // a copy of what was asked for, written last
	if had, err := os.ReadFile(installed); err == nil && bytes.Equal(had, wanted) {
		return folder
	}
	ctx, cancel := context.WithTimeout(t.Context(), installLimit)
	defer cancel()
	for _, command := range [][]string{
		{python, "-m", "venv", "--clear", folder},
		{filepath.Join(folder, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"},
	} {
		if output, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
			giveUp("%s: %v\n%s", strings.Join(command, " "), err, output)
		}
	}
	if err := os.WriteFile(installed, wanted, 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// environment is that of the aws command line and of moto: nothing of the user's own AWS settings.
func environment(t *testing.T) []string {
	t.Helper()
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LC_ALL=C.UTF-8", "AWS_ACCESS_KEY_ID=local",
		"AWS_SECRET_ACCESS_KEY=local", "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_DEFAULT_OUTPUT=json",
	}
}

// process is one that ends with the test.
func process(t *testing.T, name string, arguments ...string) *exec.Cmd {
	t.Helper()
	command := exec.Command(name, arguments...)
	command.Env = environment(t)
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may have ended
		_ = command.Wait()
	})
	return command
}

// moto starts moto's server and gives its address.
func moto(t *testing.T, venv string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close()
	command := process(t, filepath.Join(venv, "bin", "moto_server"), "-H", "127.0.0.1", "-p", port)
	var log bytes.Buffer
	command.Stderr = &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	url := "http://127.0.0.1:" + port
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	for tick := time.Tick(50 * time.Millisecond); ; <-tick {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/moto-api/", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request) //nolint:forbidigo // a look at loopback
		if err == nil {
			response.Body.Close()
			return url
		}
		if ctx.Err() != nil {
			t.Fatalf("moto did not start: %v", err)
		}
	}
}

// answer is what the aws command line gave.
type answer struct {
	Code int    `json:"code"`
	Out  string `json:"out"`
	Err  string `json:"err"`
}

// commandLine is the aws command line, run in one process for many commands, or as it is for one.
type commandLine struct {
	venv   string
	env    []string
	input  io.Writer
	output *bufio.Reader
}

func newCommandLine(t *testing.T, venv string) *commandLine {
	t.Helper()
	command := process(t, filepath.Join(venv, "bin", "python"), "aws.py")
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stderr = os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return &commandLine{venv: venv, env: command.Env, input: input, output: bufio.NewReader(output)}
}

// run runs one command against an endpoint: in the long-lived process, or in one of its own.
func (c *commandLine) run(t *testing.T, own bool, endpoint string, arguments []string) answer {
	t.Helper()
	arguments = append([]string{"--endpoint-url", endpoint, "--region", region}, arguments...)
	if own {
		return c.runOwn(t, arguments)
	}
	line, err := json.Marshal(arguments)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c.input, "%s\n", line); err != nil {
		t.Fatal(err)
	}
	got, err := c.output.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(got, &a); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	return a
}

func (c *commandLine) runOwn(t *testing.T, arguments []string) answer {
	t.Helper()
	command := exec.CommandContext(t.Context(), filepath.Join(c.venv, "bin", "aws"), arguments...)
	command.Env = c.env
	var out, failed bytes.Buffer
	command.Stdout, command.Stderr = &out, &failed
	err := command.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return answer{Code: command.ProcessState.ExitCode(), Out: out.String(), Err: failed.String()}
}
