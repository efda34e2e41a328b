package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// line is a test in the table.
type line struct {
	Test                   test
	passed, failed, absent int // parts
	seconds                float64
	figure                 string
	commits                []string
}

// take adds the result of a part; nil is one that has not been run.
func (l *line) take(r *result) {
	switch {
	case r == nil:
		l.absent++
		return
	case r.Passed:
		l.passed++
	default:
		l.failed++
	}
	l.seconds += r.Seconds
	l.figure = add(l.figure, r.Figure)
	if !slices.Contains(l.commits, r.Commit) {
		l.commits = append(l.commits, r.Commit)
	}
}

// done reports whether every part has passed.
func (l line) done() bool { return l.failed == 0 && l.absent == 0 }

func (l line) verdict() string {
	parts := l.passed + l.failed + l.absent
	switch {
	case l.done():
		return "passed"
	case l.failed > 0:
		return fmt.Sprintf("FAILED (%d of %d parts)", l.failed, parts)
	case l.passed > 0:
		return fmt.Sprintf("passed so far (%d of %d parts)", l.passed, parts)
	}
	return "not run"
}

// table shows what became of the tests, in Markdown.
func table(lines []line) string {
	var b strings.Builder
	b.WriteString("| test | what | result | took | counts | at |\n|---|---|---|---|---|---|\n")
	for _, l := range lines {
		took := ""
		if l.seconds > 0 {
			took = time.Duration(l.seconds * float64(time.Second)).Round(time.Second).String()
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", l.Test.Name, l.Test.What, l.verdict(), took, l.figure, strings.Join(l.commits, ", "))
	}
	return b.String()
}

// The table stands in a document between these.
const (
	beginning = "<!-- make deep: begin -->\n"
	end       = "<!-- make deep: end -->"
)

// write puts the table into a document, in the place of the one that is there.
func write(path, table string) error {
	content, err := os.ReadFile(path) //nolint:gosec // the document of ours
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(content), beginning)
	_, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		return fmt.Errorf("%s has no place for the table: put %q and %q into it", path, strings.TrimSpace(beginning), end)
	}
	return os.WriteFile(path, []byte(before+beginning+table+end+after), 0o644) //nolint:gosec // a document, for all to read
}
