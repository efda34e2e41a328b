package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ofNoConnection are the functions whose statements name a table of connections' rows and not the connection, with the reason.
var ofNoConnection = map[string]string{
	"postgres.Attempts.Over":           "an attempt to connect is of nobody's yet; it is let go of when no grant of any connection has its secret",
	"postgres.Ledger.Begin":            "the run is the message's, and the worker is made for its connection",
	"postgres.Ledger.Finish":           "the same",
	"postgres.Ledger.finishRun":        "the same",
	"postgres.Seals.Renew":             "secrets are looked after for all connections at once, and none is read here",
	"postgres.places":                  "a row is named by the id that was read with its connection, and sealed for both",
	"postgres/records.Tables.note":     "the ids were read for the connection, in the transaction that holds its lease",
	"postgres/records.Tables.hold":     "the same",
	"postgres/records.closeIntents":    "the same",
	"postgres/records.Tables.pair":     "what a run has staged names the run, which is the connection's",
	"postgres/records.pairing":         "the same",
	"postgres/records.Rehearsal.Match": "the same",
}

// TestStatementsNameTheConnection reads every SQL text of the adapters of Postgres: one that touches a table whose rows are a connection's
// says which connection's, or its function stands above with the reason.
func TestStatementsNameTheConnection(t *testing.T) {
	t.Parallel()
	tables := connectionTables(t)
	touches := regexp.MustCompile(`(?i)\b(?:from|join|into|update)\s+(?:public\.|integration\.)?(` + strings.Join(tables, "|") + `|%s|%\[\d\]s)(?:\s|$|\))`)
	used := map[string]bool{}
	statements := 0
	for _, room := range []string{"postgres", "postgres/records"} {
		files, err := filepath.Glob(filepath.Join("..", "..", room, "*.go"))
		if err != nil || len(files) < 10 {
			t.Fatal(room, files, err)
		}
		var parsed []*ast.File
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, f)
		}
		constants := texts(parsed)
		for _, f := range parsed {
			for _, d := range f.Decls {
				do, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				name := room + "." + nameOf(do)
				for _, sql := range said(do, constants) {
					found := touches.FindStringSubmatch(sql)
					if found == nil {
						continue
					}
					statements++
					if strings.Contains(sql, "connection_id") {
						continue
					}
					if ofNoConnection[name] == "" {
						t.Errorf("%s: a statement touches %s and names no connection_id:\n%s", name, found[1], sql)
					}
					used[name] = true
				}
			}
		}
	}
	if statements < 120 {
		t.Errorf("only %d statements were read", statements)
	}
	for name := range ofNoConnection {
		if !used[name] {
			t.Errorf("%s needs no exception", name)
		}
	}
}

// connectionTables returns the tables that the migrations make with a connection_id.
func connectionTables(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "infra", "migrations", "*.sql"))
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, made := range regexp.MustCompile(`(?s)create (?:unlogged )?table (?:integration\.|public\.)?(\w+) \((.*?)\n\)`).FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(made[2], "\n  connection_id ") {
				tables = append(tables, made[1])
			}
		}
	}
	if len(tables) < 25 || !slices.Contains(tables, "sync_runs") {
		t.Fatalf("the tables are %q", tables)
	}
	return tables
}

func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	of := f.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	return fmt.Sprint(of) + "." + f.Name.Name
}

// texts returns the constants that are texts.
func texts(files []*ast.File) map[string]string {
	known := map[string]string{}
	for range 2 { // some are made of others
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				if v, ok := n.(*ast.ValueSpec); ok {
					for i, value := range v.Values {
						if text, ok := textOf(value, known); ok {
							known[v.Names[i].Name] = text
						}
					}
				}
				return true
			})
		}
	}
	return known
}

// textOf returns a text as far as it stands in the source, … for the rest; false for what has none.
func textOf(e ast.Expr, known map[string]string) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.Ident:
		text, ok := known[e.Name]
		return text, ok
	case *ast.BinaryExpr:
		a, okA := textOf(e.X, known)
		b, okB := textOf(e.Y, known)
		if e.Op != token.ADD || !okA && !okB {
			return "", false
		}
		if !okA {
			a = "…"
		}
		if !okB {
			b = "…"
		}
		return a + b, true
	}
	return "", false
}

// said returns the texts of a function, each whole.
func said(f *ast.FuncDecl, known map[string]string) []string {
	var all []string
	ast.Inspect(f, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		if _, isName := e.(*ast.Ident); isName {
			return true
		}
		text, ok := textOf(e, known)
		if ok {
			all = append(all, text)
		}
		return !ok
	})
	return all
}
