//go:build conformance

package conformance_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/events/delivery"
)

// sample returns the first code block of a language that holds a text.
func sample(t *testing.T, language, holds string) string {
	t.Helper()
	docs, err := os.ReadFile("../../../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(string(docs), "```"+language+"\n") {
		code, _, closed := strings.Cut(block, "\n```")
		if closed && strings.Contains(code, holds) && !strings.HasPrefix(block, "#") {
			return code + "\n"
		}
	}
	t.Fatalf("docs/webhooks.md has no %s", language)
	return ""
}

func do(t *testing.T, name string, arguments ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, arguments, err, out)
	}
}

// TestConformanceOfTheDocs: each sample takes what is signed, by the new secret and beside an old one, and refuses everything else.
func TestConformanceOfTheDocs(t *testing.T) {
	secret, err := delivery.NewSecret(strings.NewReader(strings.Repeat("s", 32)))
	if err != nil {
		t.Fatal(err)
	}
	other, err := delivery.NewSecret(strings.NewReader(strings.Repeat("o", 32)))
	if err != nil {
		t.Fatal(err)
	}
	for name, start := range map[string]func(t *testing.T, dir string) []string{
		"Go": func(t *testing.T, dir string) []string {
			write(t, filepath.Join(dir, "main.go"), sample(t, "go", "package main"))
			do(t, "go", "build", "-o", filepath.Join(dir, "sample"), filepath.Join(dir, "main.go"))
			return []string{filepath.Join(dir, "sample")}
		},
		"JavaScript": func(t *testing.T, _ string) []string {
			if _, err := os.Stat("node_modules/standardwebhooks"); err != nil {
				do(t, "npm", "ci", "--no-audit", "--no-fund")
			}
			write(t, "sample.mjs", sample(t, "js", "standardwebhooks"))
			t.Cleanup(func() { os.Remove("sample.mjs") })
			return []string{"node", "sample.mjs"}
		},
		"Python": func(t *testing.T, dir string) []string {
			do(t, "python3", "-m", "venv", filepath.Join(dir, "venv"))
			do(t, filepath.Join(dir, "venv", "bin", "pip"), "install", "-q", "--disable-pip-version-check", "-r", "requirements.txt")
			write(t, filepath.Join(dir, "sample.py"), sample(t, "python", "standardwebhooks"))
			return []string{filepath.Join(dir, "venv", "bin", "python"), filepath.Join(dir, "sample.py")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			address := serve(t, secret.Reveal(), start(t, t.TempDir()))
			body := []byte(`{"id":"1","type":"ping","data":{"text":"ü"}}`)
			now := time.Now()
			for name, c := range map[string]struct {
				secrets delivery.Secrets
				at      time.Time
				sent    []byte
				want    int
			}{
				"signed":               {delivery.Secrets{Current: secret}, now, body, http.StatusNoContent},
				"while it is rotated":  {delivery.Secrets{Current: other, Old: []delivery.OldSecret{{Text: secret, Until: now.Add(time.Hour)}}}, now, body, http.StatusNoContent},
				"signed by another":    {delivery.Secrets{Current: other}, now, body, http.StatusUnauthorized},
				"another body":         {delivery.Secrets{Current: secret}, now, bytes.ToUpper(body), http.StatusUnauthorized},
				"ten minutes old":      {delivery.Secrets{Current: secret}, now.Add(-10 * time.Minute), body, http.StatusUnauthorized},
				"ten minutes from now": {delivery.Secrets{Current: secret}, now.Add(10 * time.Minute), body, http.StatusUnauthorized},
			} {
				header, err := delivery.Sign(c.secrets, "0193a3c2-7f5e-7b1a-9c00-1f2e3d4c5b6a", c.at, body)
				if err != nil {
					t.Fatal(err)
				}
				if got := post(t, address, header, c.sent); got != c.want {
					t.Errorf("%s: %d, want %d", name, got, c.want)
				}
			}
			if got := post(t, address, nil, body); got != http.StatusUnauthorized {
				t.Errorf("unsigned: %d", got)
			}
		})
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// serve starts a sample and gives its address once it listens.
func serve(t *testing.T, secret string, command []string) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "WEBHOOK_SECRET="+secret, fmt.Sprintf("PORT=%d", port))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		t.Logf("%s", out.String())
	})
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	address := fmt.Sprintf("127.0.0.1:%d", port)
	for deadline := time.After(30 * time.Second); ; {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return "http://" + address + "/webhook"
		}
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("the sample does not listen: %s", out.String())
		}
	}
}

func post(t *testing.T, address string, header map[string]string, body []byte) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}
