//go:build conformance

// Package conformance_test gives the same commands of the aws command line to the local cloud and to moto, an independent
// stand-in for AWS, and compares the answers. Run it with go test -tags conformance.
package conformance_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
)

// side is one of the two, and what the steps kept of its answers.
type side struct {
	endpoint string
	kept     map[string]string
}

// arguments fills in a command.
func (s side) arguments(command string) []string {
	var all []string
	for part := range strings.SplitSeq(command, " ") {
		all = append(all, s.fill(part))
	}
	return all
}

func (s side) fill(part string) string {
	for range 2 { // a text may hold what was kept
		for name, value := range s.kept {
			part = strings.ReplaceAll(part, "{"+name+"}", value)
		}
	}
	return part
}

// keep takes what a step wants of an answer.
func (s side) keep(t *testing.T, step step, a answer) {
	t.Helper()
	for name, path := range step.keep {
		var value any
		if err := json.Unmarshal([]byte(a.Out), &value); err != nil {
			t.Fatalf("%s: %v: %+v", step.name, err, a)
		}
		for key := range strings.SplitSeq(path, ".") {
			switch container := value.(type) {
			case map[string]any:
				value = container[key]
			case []any:
				i, err := strconv.Atoi(key)
				if err != nil || i >= len(container) {
					t.Fatalf("%s: no %s in %s", step.name, path, a.Out)
				}
				value = container[i]
			}
		}
		text, ok := value.(string)
		if !ok {
			t.Fatalf("%s: no %s in %s", step.name, path, a.Out)
		}
		s.kept[name] = text
	}
}

func newSide(endpoint string) side {
	kept := texts()
	kept["nothing"] = ""
	return side{endpoint: endpoint, kept: kept}
}

// TestConformanceOfAnswers fails for a difference that is not explained, and for an explanation that explains none.
func TestConformanceOfAnswers(t *testing.T) {
	folder := venv(t)
	local, err := cloud.Open(cloud.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(local)
	t.Cleanup(func() {
		local.Close()
		server.Close()
	})
	ours, theirs := newSide(server.URL), newSide(moto(t, folder))
	line := newCommandLine(t, folder)

	meant := differences()
	var report strings.Builder
	table := tabwriter.NewWriter(&report, 0, 4, 2, ' ', 0)
	same := 0
	steps := slices.Concat(sqsSteps(), secretSteps())
	for _, step := range steps {
		mine := line.run(t, step.own, ours.endpoint, ours.arguments(step.command))
		other := line.run(t, step.own, theirs.endpoint, theirs.arguments(step.command))
		ours.keep(t, step, mine)
		theirs.keep(t, step, other)
		expected, explained := meant[step.name]
		delete(meant, step.name)
		a, b := masked(t, mine, nil), masked(t, other, nil)
		switch {
		case a == b && explained:
			t.Errorf("%s: the answers are the same, yet a difference is explained: %s", step.name, expected.reason)
		case a == b:
			same++
			fmt.Fprintf(table, "%s\tsame\t%s\n", step.name, short(a))
		case explained && (len(expected.but) == 0 || masked(t, mine, expected.but) == masked(t, other, expected.but)):
			fmt.Fprintf(table, "%s\tdiffers\t%s\n", step.name, expected.reason)
		default:
			t.Errorf("%s: %s\n  local cloud: %s\n  moto:        %s", step.name, step.command, a, b)
		}
	}
	for name := range meant {
		t.Errorf("a difference is explained for a step that is none: %s", name)
	}
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d commands, %d answers the same\n%s", len(steps), same, report.String())
}

func short(text string) string {
	const limit = 90
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}
