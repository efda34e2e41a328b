package dotenv_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/infra/local/dotenv"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want map[string]string
	}{
		"nothing":                     {"", map[string]string{}},
		"comments and empty lines":    {"# A=1\n\n  # B=2\n", map[string]string{}},
		"plain":                       {"A=1\nB=two words\n", map[string]string{"A": "1", "B": "two words"}},
		"no line end":                 {"A=1", map[string]string{"A": "1"}},
		"lines of Windows":            {"A=1\r\nB=2\r\n", map[string]string{"A": "1", "B": "2"}},
		"a byte-order mark":           {"\ufeffA=1", map[string]string{"A": "1"}},
		"white space":                 {"  A = 1  ", map[string]string{"A": "1"}},
		"export":                      {"export A=1", map[string]string{"A": "1"}},
		"empty":                       {"A=\nB=''\nC=\"\"\nD= # none", map[string]string{"A": "", "B": "", "C": "", "D": ""}},
		"an equals sign":              {"A=postgres://u:p@h/d?x=y", map[string]string{"A": "postgres://u:p@h/d?x=y"}},
		"a comment after it":          {"A=1 # one\nB=2\t# two", map[string]string{"A": "1", "B": "2"}},
		"a hash that is no comment":   {"A=a#b", map[string]string{"A": "a#b"}},
		"single quotes":               {`A='a "b" \n # $c'`, map[string]string{"A": `a "b" \n # $c`}},
		"double quotes":               {`A="a 'b' \n # \"c\" \\ \$d"`, map[string]string{"A": "a 'b' \n # \"c\" \\ $d"}},
		"a comment after quotes":      {`A="1" # one`, map[string]string{"A": "1"}},
		"the last one counts":         {"A=1\nA=2", map[string]string{"A": "2"}},
		"what Write writes around it": {"set -a\nA=1\nset +a", map[string]string{"A": "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := dotenv.Parse(strings.NewReader(c.text))
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("error %v, %s", err, diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"no equals sign":          {"A=1\nsecret", "line 2 is not NAME=value"},
		"no name":                 {"=secret", "line 1 is not NAME=value"},
		"a name that is none":     {"# x\n\n1A=secret", "line 3 is not NAME=value"},
		"a command":               {"rm -rf secret", "line 1 is not NAME=value"},
		"UTF-16 of Windows":       {"\xff\xfeA\x00=\x001\x00", "the file is UTF-16: save it as UTF-8"},
		"an open single quote":    {"A='secret", "line 1: the value of A has no closing quote"},
		"an open double quote":    {`A="secret\"`, "line 1: the value of A has no closing quote"},
		"something after a quote": {`A="1" secret`, "line 1: the value of A goes on after its closing quote"},
		"a line without end":      {"A=" + strings.Repeat("secret", 1<<18), "a line is longer than 1 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := dotenv.Parse(strings.NewReader(c.text))
			if err == nil || err.Error() != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

// TestWrite: whatever the values, a shell that sources the file passes them on, and Parse reads the simple ones.
func TestWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "env")
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringOf(rapid.RuneFrom([]rune("aZ09_./:@%?=+,- '\"\\$`!&;|<>(){}[]*#~\té"))).Draw(t, "value")
		if err := dotenv.Write(path, []dotenv.Variable{{Name: "FIRST", Value: value}, {Name: "SECOND", Value: "2"}}); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("sh", "-c", `. "$0"; env -i FIRST="$FIRST" sh -c 'printf %s "$FIRST"'; sh -c 'printf %s "$SECOND"'`, path).CombinedOutput()
		if err != nil || string(out) != value+"2" {
			t.Fatalf("a shell has %q (%v), want %q", out, err, value+"2")
		}
	})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("%v beside it, %v", entries, err)
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "env")
	if err := dotenv.Write(path, []dotenv.Variable{{Name: "URL", Value: "postgres://a:b@127.0.0.1:5/act?sslmode=disable"}, {Name: "ODD", Value: "a b & c"}}); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	got, err := dotenv.Parse(file)
	if diff := cmp.Diff(map[string]string{"URL": "postgres://a:b@127.0.0.1:5/act?sslmode=disable", "ODD": "a b & c"}, got); diff != "" || err != nil {
		t.Errorf("error %v, %s", err, diff)
	}
}

func TestWriteIntoNoFolder(t *testing.T) {
	t.Parallel()
	if err := dotenv.Write(filepath.Join(t.TempDir(), "none", "env"), nil); err == nil {
		t.Error("written")
	}
}
