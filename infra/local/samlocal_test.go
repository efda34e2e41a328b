//go:build samlocal

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/act-platform/enhanced-integration/shared/app/config"
)

const (
	// baseImage is what functions' containers are made of. It has a name of its own, and so is not taken for AWS's image by others.
	baseImage = "act-integration/lambda:al2023"
	// builtTemplate is what sam build made.
	builtTemplate = "../../.local/sam-local/build/template.yaml"
	samCommand    = "../../.local/venv-sam/bin/sam"
)

// TestSAMLocal drives sam local with the script that the local system is driven with, each on a fresh system, and compares the answers;
// and the functions behind queues and schedules with the events of infra/events. make sam-local-test runs it.
func TestSAMLocal(t *testing.T) {
	ours := arriveUndisturbed(t)
	script, want := drivenLocally(t, ours)
	ours.stop(t)

	u := arriveUndisturbed(t)
	sam := startSAM(t, u)
	got := drive(t, sam.url, withKey(script.calls, script.key, u.env["API_KEY"]), func() { u.settle(t) })
	var first, warm []time.Duration
	seen := map[string]bool{}
	for i, c := range script.calls {
		path, _, _ := strings.Cut(c.path, "?")
		if seen[path] {
			warm = append(warm, got[i].took)
		} else {
			first, seen[path] = append(first, got[i].took), true
		}
		name := fmt.Sprintf("%s %.60s, %s", c.method, c.path, c.what)
		if want[i].masked() != got[i].masked() {
			t.Errorf("%s:\nmake run  %s\nsam local %s", name, want[i].masked(), got[i].masked())
		}
	}
	t.Logf("%d requests to %d paths: the first to a path took %v, others %v (medians)", len(got), len(seen), median(first), median(warm))

	for i, e := range script.events {
		begun := time.Now()
		answer := sam.invoke(t, e)
		t.Logf("sam local invoke %s with %s: %s in %v", e.function.Name, e.name, answer, time.Since(begun).Round(time.Millisecond))
		if answer != script.results[i] {
			t.Errorf("%s with %s answers %s, and %s on the local host", e.function.Name, e.name, answer, script.results[i])
		}
	}
}

// arriveUndisturbed returns a fresh system in which no schedule's sync comes in between.
func arriveUndisturbed(t *testing.T) *tourist {
	t.Helper()
	const seldom = "rate(1 day)"
	u := arrive(t, "SYNC_SCHEDULE="+seldom)
	u.env["SYNC_SCHEDULE"] = seldom
	return u
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2].Round(100 * time.Microsecond)
}

// driven is what the local system was driven with, and how functions answered events.
type driven struct {
	key     string
	calls   []call
	events  []recorded
	results []string
}

func drivenLocally(t *testing.T, u *tourist) (driven, []answer) {
	t.Helper()
	tpl := projectTemplate(t, u.env, "127.0.0.1")
	d := driven{key: u.env["API_KEY"], calls: script(tpl.Functions, u.env["API_KEY"]), events: recordings(t, tpl)}
	answers := drive(t, u.env["API_URL"], d.calls, func() { u.settle(t) })
	host := hostOf(t, tpl, quiet{}, whole(u.env["AWS_ENDPOINT_URL"]))
	for _, e := range d.events {
		result, err := host.Invoke(t.Context(), e.function.Name, e.event)
		if err != nil {
			t.Fatal(err)
		}
		d.results = append(d.results, outcome(result.Payload))
	}
	return d, answers
}

// outcome returns a function's answer: its result, or only the fact that it failed, since sam local tells errors otherwise.
func outcome(payload []byte) string {
	var failure struct{ ErrorType string }
	if json.Unmarshal(payload, &failure) == nil && failure.ErrorType != "" {
		return "an error"
	}
	var compact bytes.Buffer
	if json.Compact(&compact, payload) != nil {
		return string(payload)
	}
	return compact.String()
}

func withKey(calls []call, from, to string) []call {
	calls = slices.Clone(calls)
	for i := range calls {
		if calls[i].key == from {
			calls[i].key = to
		}
	}
	return calls
}

// sam is a running sam local start-api.
type sam struct {
	url       string
	cloud     string // who is asked, in vain, which account this is, so that nobody on the internet is
	variables string // the file with the functions' environments
}

// startSAM starts sam local beside a running system, whose services containers see at the bridge's address.
func startSAM(t *testing.T, u *tourist) sam {
	t.Helper()
	bridge := strings.TrimSpace(docker(t, nil, "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"))
	at := func(address string) string { return strings.Replace(address, "127.0.0.1", bridge, 1) }
	for _, service := range []string{u.env["AWS_ENDPOINT_URL"], u.env["NOTION_URL"], u.env["DATABASE_URL"]} {
		forward(t, bridge, service)
	}
	secrets := newProvision(u.env["AWS_ENDPOINT_URL"])
	tpl := projectTemplate(t, u.env, bridge)
	for _, s := range tpl.Secrets {
		if s.ID != appSecret {
			continue
		}
		current, err := secrets.secrets.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String(s.Name)})
		if err != nil {
			t.Fatal(err)
		}
		changed, err := overlay(aws.ToString(current.SecretString), given{values: map[string]string{config.DatabaseURL: at(u.env["DATABASE_URL"])}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := secrets.secrets.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: aws.String(s.Name), SecretString: aws.String(changed)}); err != nil {
			t.Fatal(err)
		}
	}
	makeImage(t, at(u.env["AWS_ENDPOINT_URL"]))
	s := sam{cloud: u.env["AWS_ENDPOINT_URL"], variables: filepath.Join(t.TempDir(), "variables.json")}
	environments := map[string]map[string]string{}
	for _, f := range tpl.Functions {
		environments[f.ID] = f.Environment
	}
	text, err := json.Marshal(environments)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.variables, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s.url = s.serve(t)
	return s
}

// forward passes connections to the bridge's address on to the loopback address, where a service listens.
func forward(t *testing.T, bridge, service string) {
	t.Helper()
	address, err := url.Parse(service)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(bridge, address.Port()))
	if err != nil {
		t.Fatal(err)
	}
	var passing sync.WaitGroup
	passing.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", address.Host)
			if err != nil {
				from.Close()
				continue
			}
			passing.Go(func() { pass(from, to) })
			passing.Go(func() { pass(to, from) })
		}
	})
	t.Cleanup(func() { listener.Close() })
}

func pass(from, to net.Conn) {
	_, _ = io.Copy(to, from)
	to.Close()
	from.Close()
}

// makeImage makes the image that functions run in: a static busybox where there is one, else AWS's own. Where the stand-in for AWS is
// stands in the image's environment, as it stands in that of the local host: the template does not know it.
func makeImage(t *testing.T, cloudURL string) {
	t.Helper()
	variable := "ENV AWS_ENDPOINT_URL=" + cloudURL
	if busybox, err := exec.LookPath("busybox"); err == nil && static(busybox) {
		root := t.TempDir()
		for _, dir := range []string{"bin", "tmp", "var/task"} {
			if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		program, err := os.ReadFile(busybox)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "bin", "busybox"), program, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, applet := range []string{"sh", "mv", "chmod"} {
			if err := os.Symlink("busybox", filepath.Join(root, "bin", applet)); err != nil {
				t.Fatal(err)
			}
		}
		archive, err := exec.CommandContext(t.Context(), "tar", "-C", root, "-c", ".").Output()
		if err != nil {
			t.Fatal(err)
		}
		docker(t, archive, "import", "--change", variable, "-", baseImage)
		return
	}
	docker(t, []byte("FROM public.ecr.aws/lambda/provided:al2023-x86_64\n"+variable+"\n"), "build", "-t", baseImage, "-")
}

func static(program string) bool {
	out, err := exec.Command("ldd", program).CombinedOutput()
	return err != nil || bytes.Contains(out, []byte("statically linked"))
}

func docker(t *testing.T, stdin []byte, arguments ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "docker", arguments...)
	cmd.Stdin = bytes.NewReader(stdin)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("docker %s: %v %s", strings.Join(arguments, " "), err, &complaints)
	}
	return string(out)
}

// command returns a sam command with what all of them need.
func (s sam) command(ctx context.Context, arguments ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, samCommand, append(arguments,
		"--template", builtTemplate, "--parameter-overrides", "Architecture=x86_64", "--env-vars", s.variables,
		"--invoke-image", baseImage, "--skip-pull-image", "--region", region)...)
	cmd.Env = append(os.Environ(), "SAM_CLI_TELEMETRY=0", "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_DEFAULT_REGION="+region, "AWS_ENDPOINT_URL_STS="+s.cloud, "AWS_MAX_ATTEMPTS=1")
	return cmd
}

// serve starts the API and waits until it answers.
func (s sam) serve(t *testing.T) string {
	t.Helper()
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:"+port())
	if err != nil {
		t.Fatal(err)
	}
	_, number, _ := net.SplitHostPort(free.Addr().String())
	free.Close()
	out := &output{}
	cmd := s.command(context.WithoutCancel(t.Context()), "local", "start-api", "--port", number, "--warm-containers", "LAZY", "--force-image-build")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it removes its containers
		<-done
		if t.Failed() {
			t.Logf("sam local said\n%s", out)
		}
	})
	client := http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(time.Minute); ; {
		connection, err := net.Dial("tcp", "127.0.0.1:"+number)
		if err == nil {
			connection.Close()
			return "http://127.0.0.1:" + number
		}
		select {
		case err := <-done:
			done <- err
			t.Fatalf("sam local ended: %v\n%s", err, out)
		case <-deadline:
			t.Fatalf("sam local is not ready\n%s", out)
		case <-ticker.C:
		}
	}
}

func port() string {
	if p := os.Getenv("SAM_LOCAL_PORT"); p != "" {
		return p
	}
	return "0"
}

// invoke invokes a function with a recorded event.
func (s sam) invoke(t *testing.T, e recorded) string {
	t.Helper()
	cmd := s.command(t.Context(), "local", "invoke", e.function.ID, "--event", "-")
	cmd.Stdin = bytes.NewReader(e.event)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	answer := outcome([]byte(lines[len(lines)-1]))
	if answer == "" && err != nil {
		t.Errorf("%s: %v %s", e.function.Name, err, &complaints)
	}
	return answer
}
