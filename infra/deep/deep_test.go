package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// repository makes a repository with a module of two packages, a document, and a test that is told from outside whether it passes.
func repository(t *testing.T) (root string, tests []test) {
	t.Helper()
	root = t.TempDir()
	for name, content := range map[string]string{
		"go.mod": "module example.com/m\n\ngo 1.26\n", "README.md": "# read\n", "docs/a.md": "a\n", "Makefile": "all:\n",
		"one/one.go": "package one\n\nimport _ \"example.com/m/base\"\n", "base/base.go": "package base\n", "base/base_test.go": "package base\n", "one/one_test.go": "package one\n", "one/testdata/x.json": "1\n", "two/two.go": "package two\n",
	} {
		put(t, root, name, content)
	}
	git(t, root, "init", "-q")
	git(t, root, "add", "-A")
	run := func(name string) part {
		return part{name, []string{"sh", "-c", "echo " + name + " >> ran; echo 'saw 3 cats of 7'; test ! -e fail-" + name}}
	}
	return root, []test{
		{Name: "one", What: "of one package", Of: []string{"./one"}, Parts: []part{run("a"), run("b")}, Figure: regexp.MustCompile(`saw \d+ cats of \d+`)},
		{Name: "whole", What: "of everything", Of: []string{"./two"}, Whole: true, Parts: []part{run("c")}},
	}
}

func put(t *testing.T, root, name, content string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func git(t *testing.T, root string, arguments ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", arguments...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v: %s", arguments, err, out)
	}
}

// sit is one sitting; it gives which parts ran and the table.
func sit(t *testing.T, root string, tests []test, until time.Time) (ran, shown string) {
	t.Helper()
	_ = os.Remove(filepath.Join(root, "ran"))
	code, err := readCode(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	s := sitting{code: code, store: store{filepath.Join(root, ".local/deep")}, commit: "abc1234", until: until, now: time.Now, out: &bytes.Buffer{}}
	lines, err := s.run(t.Context(), tests)
	if err != nil {
		t.Fatal(err)
	}
	said, _ := os.ReadFile(filepath.Join(root, "ran")) // none: nothing ran
	return strings.Join(strings.Fields(string(said)), ""), table(lines)
}

func TestSittings(t *testing.T) {
	t.Parallel()
	root, tests := repository(t)
	steps := []struct {
		name        string
		change      func()
		ran         string
		want, avoid string // in the table
	}{
		{"a part fails", func() { put(t, root, "fail-b", "") }, "abc", "FAILED (1 of 2 parts)", "not run"},
		{"it is run again, and nothing else", func() {}, "b", "FAILED", "not run"},
		{"it passes", func() { _ = os.Remove(filepath.Join(root, "fail-b")) }, "b", "| saw 6 cats of 14 | abc1234 |", "FAILED"},
		{"all has passed", func() {}, "", "| `whole` | of everything | passed |", "FAILED"},
		{"a document changes", func() { put(t, root, "README.md", "# more\n"); put(t, root, "docs/a.md", "b\n") }, "", "passed", "FAILED"},
		{"a file that git does not track", func() { put(t, root, "notes.txt", "b\n") }, "", "passed", "FAILED"},
		{"code of another package changes", func() { put(t, root, "two/two.go", "package two // changed\n") }, "c", "passed", "FAILED"},
		{"a package that the first depends on changes", func() { put(t, root, "base/base.go", "package base // changed\n") }, "abc", "passed", "FAILED"},
		{"a test of that changes", func() { put(t, root, "base/base_test.go", "package base // changed\n") }, "", "passed", "FAILED"},
		{"test data of the package changes", func() { put(t, root, "one/testdata/x.json", "2\n") }, "ab", "passed", "FAILED"},
		{"a test of the package changes", func() { put(t, root, "one/one_test.go", "package one // changed\n") }, "ab", "passed", "FAILED"},
		{"and is changed back", func() { put(t, root, "one/one_test.go", "package one\n") }, "", "passed", "FAILED"},
	}
	for _, step := range steps {
		step.change()
		ran, shown := sit(t, root, tests, time.Time{})
		if ran != step.ran || !strings.Contains(shown, step.want) || strings.Contains(shown, step.avoid) {
			t.Errorf("%s: ran %q, want %q:\n%s", step.name, ran, step.ran, shown)
		}
	}
}

func TestTimeIsUp(t *testing.T) {
	t.Parallel()
	root, tests := repository(t)
	ran, shown := sit(t, root, tests, time.Now().Add(-time.Second))
	if ran != "" || strings.Count(shown, "not run") != 2 {
		t.Errorf("ran %q:\n%s", ran, shown)
	}
	if ran, _ := sit(t, root, tests, time.Now().Add(time.Hour)); ran != "abc" {
		t.Errorf("the next sitting ran %q", ran)
	}
}

// TestCutShort: what a person interrupts, with all that it started, says nothing, and is run again.
func TestCutShort(t *testing.T) {
	t.Parallel()
	root, _ := repository(t)
	tests := []test{{Name: "long", Parts: []part{{"a", []string{"sh", "-c", "echo a >> ran; sleep 60 & wait"}}}}}
	ctx, cancel := context.WithCancel(t.Context())
	code, err := readCode(ctx, root)
	if err != nil {
		t.Fatal(err)
	}
	s := sitting{code: code, store: store{filepath.Join(root, ".local/deep")}, now: time.Now, out: writer(func(string) { cancel() })}
	began := time.Now()
	lines, err := s.run(ctx, tests)
	if err != nil || lines[0].absent != 1 || time.Since(began) > 30*time.Second {
		t.Errorf("%+v, %v after %s", lines, err, time.Since(began))
	}
}

// writer is told what is written.
type writer func(string)

func (w writer) Write(p []byte) (int, error) {
	w(string(p))
	return len(p), nil
}

func TestAdd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b, want string }{
		{"", "5 cats", "5 cats"},
		{"5 cats of 10", "2 cats of 9", "7 cats of 19"},
		{"5 cats", "no cats", "no cats"},
	} {
		if got := add(c.a, c.b); got != c.want {
			t.Errorf("%q and %q: %q", c.a, c.b, got)
		}
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	path := filepath.Join(root, "doc.md")
	put(t, root, "doc.md", "before\n"+beginning+"old\n"+end+"\nafter\n")
	if err := write(path, "new\n"); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "before\n"+beginning+"new\n"+end+"\nafter\n" {
		t.Errorf("%s", got)
	}
	put(t, root, "other.md", "nothing\n")
	if err := write(filepath.Join(root, "other.md"), "new\n"); err == nil {
		t.Error("a document without a place was written")
	}
}

// TestPlan: the histories add up to what CONTRIBUTING promises, and each target of the plan is in the Makefile.
func TestPlan(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, test := range plan() {
		if seen[test.Name] || len(test.Parts) == 0 || test.What == "" {
			t.Errorf("%s: %+v", test.Name, test)
		}
		seen[test.Name] = true
		if command := test.Parts[0].Command; command[0] == "make" && !strings.Contains(string(makefile), "\n"+test.Name+":") {
			t.Errorf("the Makefile has no %s", test.Name)
		}
	}
	if chunks*chunk != 100_000 {
		t.Errorf("%d histories", chunks*chunk)
	}
}
