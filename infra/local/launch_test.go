package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLaunch: what make does before there is a program says what is missing, in one line.
func TestLaunch(t *testing.T) {
	t.Parallel()
	script, err := filepath.Abs("../tools/local.sh")
	if err != nil {
		t.Fatal(err)
	}
	const fakeGo = `case "$1 $2" in
"version "*) echo "go version $FAKE linux/amd64" ;;
"env GOVERSION") echo "$FAKE" ;;
"env GOCACHE") echo /cache ;;
"build "*) printf '%s' "$SAYS" >&2; [ -z "$SAYS" ] || exit 1; printf '#!/bin/sh\necho "runs: $*"\n' > "$3"; chmod +x "$3" ;;
esac
`
	for name, c := range map[string]struct {
		version, says string // of the compiler; "" when there is none
		spoil         func(folder string) error
		want          string
	}{
		"all is well":        {"go1.26.1", "", nil, "runs: sql select 1\n"},
		"a newer Go":         {"go1.27.0", "", nil, "runs: sql select 1\n"},
		"no Go":              {"", "", nil, "make: Go is not on the PATH. Install Go 1.26 or newer: https://go.dev/dl\n"},
		"an old Go":          {"go1.19.8", "", nil, "make: this needs Go 1.26 or newer, and what is installed is: go version go1.19.8 linux/amd64. Install a newer one: https://go.dev/dl\n"},
		"a read-only folder": {"go1.26.1", "", func(folder string) error { return os.WriteFile(filepath.Join(folder, ".local"), nil, 0o400) }, "make: this folder cannot be written to: "},
		"a full disk":        {"go1.26.1", "write /cache/x: no space left on device", nil, "make: the disk is full. Building needs about 1 GB in Go's build cache (/cache); go clean -cache empties it\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(t.TempDir(), "a path with spaces")
			bin := filepath.Join(folder, "bin")
			if err := os.MkdirAll(bin, 0o755); err != nil {
				t.Fatal(err)
			}
			for _, tool := range []string{"env", "head", "mkdir", "chmod", "sh"} {
				at, err := exec.LookPath(tool)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(at, filepath.Join(bin, tool)); err != nil {
					t.Fatal(err)
				}
			}
			if c.version != "" {
				if err := os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\n"+fakeGo), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if c.spoil != nil {
				if err := c.spoil(folder); err != nil {
					t.Fatal(err)
				}
			}
			bash, err := exec.LookPath("bash")
			if err != nil {
				t.Fatal(err) // make needs it as well
			}
			cmd := exec.Command(bash, script, "CGO_ENABLED=0", "go", "build", "--", "sql", "select 1")
			cmd.Dir, cmd.Env = folder, []string{"PATH=" + bin, "FAKE=" + c.version, "SAYS=" + c.says}
			out, err := cmd.CombinedOutput()
			if !strings.HasPrefix(string(out), c.want) || strings.Count(string(out), "\n") > 1 && c.says == "" || (err == nil) != strings.HasPrefix(c.want, "runs") {
				t.Errorf("error %v, it says %q", err, out)
			}
		})
	}
}

// TestBanner: the first address is the dashboard's, as a whole.
func TestBanner(t *testing.T) {
	t.Parallel()
	text := (&system{settings: settings{state: ".local"}}).banner(values{apiURL: "http://127.0.0.1:4000", apiKey: "the key"})
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) < 4 || lines[2] != "  Dashboard  http://127.0.0.1:4000/api/enhanced-integration/dashboard" || !strings.HasPrefix(lines[3], "  API key    the key") {
		t.Errorf("%s", text)
	}
}

// TestStatement: a statement shows its rows as psql -At does, and what else it did.
func TestStatement(t *testing.T) {
	t.Parallel()
	s := settings{values: map[string]string{"DATABASE_URL": startPostgresFor(t)}, state: t.TempDir()}
	for _, c := range []struct{ statement, shows, fails string }{
		{"create table things (name text, n int)", "CREATE TABLE\n", ""},
		{"insert into things values ('it''s', 1), (null, 2)", "INSERT 0 2\n", ""},
		{"select name, n, n > 1 from things order by n", "it's|1|f\n|2|t\n", ""},
		{"select n from things where n > 2", "", ""},
		{"update things set n = 3; select count(*) from things where n = 3", "UPDATE 2\n2\n", ""},
		{"select * from nothing", "", `Postgres refuses the statement: relation "nothing" does not exist (42P01)`},
	} {
		var shown strings.Builder
		err := runSQL(t.Context(), s, []string{c.statement}, &shown)
		if shown.String() != c.shows || (err == nil) != (c.fails == "") || err != nil && err.Error() != c.fails {
			t.Errorf("%s shows %q, error %v", c.statement, &shown, err)
		}
	}
}
