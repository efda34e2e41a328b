// Package archtest holds the house's floors: which package may import which.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/act-platform/enhanced-integration/"

// floors lists every package of shared/ by its path, with its floor. Imports go down only; within a floor only as beside says.
var floors = [][]string{
	0: {
		"api/openapi",
		"auth/access", "auth/auditlog", "auth/grant",
		"events/delivery", "events/event",
		"fault",
		"notion/ratelimit",
		"ops/alert", "ops/stats",
		"secret", "secret/seal",
		"sync/consistency", "sync/journal", "sync/mapping", "sync/merge", "sync/property", "sync/record", "sync/settings",
		"telemetry/metric",
	},
	1: {
		"app/config",
		"aws/lambda",
		"resilience/breaker", "resilience/cache",
		"telemetry/invocation", "telemetry/logging", "telemetry/meter", "telemetry/trace",
	},
	2: {
		"auth/authorizer", "auth/notionoauth", "auth/oauth", "auth/supabasejwt",
		"aws/secretsmanager", "aws/sqs",
		"events/dispatch", "events/realtime", "events/safehttp",
		"notion", "notion/pages",
		"ops/monitor",
		"postgres", "postgres/records",
		"sync/changes", "sync/checker", "sync/engine", "sync/inspect",
	},
	3: {"api", "api/console"},
	4: {"app"},
}

// beside are the imports within a floor. Floor 0 is free: what is pure may use what is pure.
var beside = map[string][]string{
	"app/config":        {"telemetry/trace"},
	"aws/lambda":        {"telemetry/invocation", "telemetry/trace"},
	"notion/pages":      {"notion"},
	"postgres/records":  {"postgres"},
	"telemetry/logging": {"telemetry/invocation", "telemetry/trace"},
}

// syncing are the packages that a sync is made of.
var syncing = []string{"sync/engine", "notion", "notion/pages", "postgres/records"}

// pureNeeds are the packages of the standard library that make a package impure.
var pureNeeds = []string{"context", "database/sql", "log", "log/slog", "math/rand", "math/rand/v2", "net", "net/http", "os", "os/exec"}

// pureAllowed are exceptions: a secret tells slog, the log's library, what to write of it.
var pureAllowed = map[string][]string{"secret": {"log/slog"}}

type listed struct {
	ImportPath string
	Imports    []string
}

func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = filepath.Join("..", "..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var packages []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func floorOf(name string) int {
	return slices.IndexFunc(floors, func(f []string) bool { return slices.Contains(f, name) })
}

// TestFloors reads the imports of every package and holds them against the table.
func TestFloors(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		path := strings.TrimPrefix(p.ImportPath, module)
		name, inShared := strings.CutPrefix(path, "shared/")
		if inShared && !strings.HasPrefix(name, "internal/") && floorOf(name) < 0 {
			t.Errorf("%s stands on no floor: put it into the table", path)
		}
		for _, imported := range p.Imports {
			target, ours := strings.CutPrefix(imported, module)
			if !ours {
				if inShared && floorOf(name) == 0 && slices.Contains(pureNeeds, imported) && !slices.Contains(pureAllowed[name], imported) {
					t.Errorf("%s is pure and imports %s", path, imported)
				}
				continue
			}
			if why := refusal(path, target); why != "" {
				t.Errorf("%s imports %s: %s", path, target, why)
			}
		}
	}
}

// refusal says why path may not import target; "" when it may.
func refusal(path, target string) string {
	from, inShared := strings.CutPrefix(path, "shared/")
	to, toShared := strings.CutPrefix(target, "shared/")
	switch {
	case strings.HasPrefix(path, "functions/"):
		if !slices.Contains([]string{"shared/aws/lambda", "shared/app"}, target) && target != "infra/migrations" {
			return "a function's main only wires"
		}
	case strings.HasPrefix(target, "functions/"):
		return "nothing stands on a function"
	case inShared && strings.HasPrefix(from, "internal/"):
	case inShared && !toShared:
		return "the product does not stand on the local system"
	case inShared && strings.HasPrefix(to, "internal/"):
		return "a test kit is for tests"
	case inShared && to == "resilience/cache" && slices.Contains(syncing, from):
		return "a sync goes by nothing that is remembered"
	case inShared && floorOf(to) > floorOf(from):
		return "imports go down only"
	case inShared && floorOf(to) == floorOf(from) && floorOf(from) != 0 && !slices.Contains(beside[from], to):
		return "packages of one floor stand apart"
	case strings.HasPrefix(path, "infra/") && toShared && to == "app":
		return "the local system runs the binaries, not their wiring"
	}
	return ""
}

// TestRooms: every package of shared/ stands in a room of docs/ARCHITECTURE.md, which says in one line what the room is for, and every
// package of the floors exists.
func TestRooms(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	empty := map[string]bool{}
	for _, line := range regexp.MustCompile("(?m)^\\| `shared/([a-z]+)` \\| .+ \\|$").FindAllStringSubmatch(string(page), -1) {
		empty[line[1]] = true
	}
	rooms := maps.Clone(empty)
	missing := slices.Concat(floors...)
	for _, p := range list(t) {
		name, inShared := strings.CutPrefix(p.ImportPath, module+"shared/")
		if !inShared {
			continue
		}
		room, _, _ := strings.Cut(name, "/")
		if !rooms[room] {
			t.Errorf("docs/ARCHITECTURE.md has no line for the room shared/%s of %s", room, name)
		}
		delete(empty, room)
		missing = slices.DeleteFunc(missing, func(known string) bool { return known == name })
	}
	for room := range empty {
		t.Errorf("docs/ARCHITECTURE.md has a line for shared/%s, and no package stands there", room)
	}
	for _, name := range missing {
		t.Errorf("the floors name %s, which is no package", name)
	}
}

// TestSyncsRememberNothing: what puts the sync together asks for no cache either.
func TestSyncsRememberNothing(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"sync_worker.go", "notion.go", "notifying.go"} {
		source, err := os.ReadFile(filepath.Join("..", "..", "app", file))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(source), "resilience/cache") {
			t.Errorf("shared/app/%s speaks of a cache", file)
		}
	}
}

// TestMainsOnlyWire: a function's main is at most 25 lines.
func TestMainsOnlyWire(t *testing.T) {
	t.Parallel()
	mains, err := filepath.Glob(filepath.Join("..", "..", "..", "functions", "*", "*.go"))
	if err != nil || len(mains) == 0 {
		t.Fatal("no functions found", err)
	}
	for _, file := range mains {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), "\n"); filepath.Base(file) != "main.go" || n > 25 {
			t.Errorf("%s has %d lines; a function is a main.go of 25 at the most", file, n)
		}
	}
}
