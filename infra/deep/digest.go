package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// code reads what tests run: the files that git tracks, as they are now. Documents are no code.
type code struct {
	root  string
	files []string // in order, with slashes
}

// readCode lists the tracked files of the repository at root.
func readCode(ctx context.Context, root string) (code, error) {
	out, err := output(ctx, root, "git", "ls-files", "-z")
	if err != nil {
		return code{}, err
	}
	var files []string
	for file := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if file != "" && !document(file) {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	return code{root, files}, nil
}

// document reports whether a file changes nothing of what runs.
func document(file string) bool {
	return strings.HasPrefix(file, "docs/") || strings.HasSuffix(file, ".md") || file == "LICENSE" || strings.HasPrefix(file, ".ci/")
}

// digest returns a number of what a test runs: its commands and the files that they depend on. A result stands for as long as it stays the
// same. What packages that it only depends on are tested with is none of them.
func (c code) digest(ctx context.Context, t test) (string, error) {
	folders, err := c.folders(ctx, true, t.Of)
	if err != nil {
		return "", err
	}
	tested, err := c.folders(ctx, false, t.Of)
	if err != nil {
		return "", err
	}
	within := func(file string) bool {
		if testFile(file) {
			return slices.ContainsFunc(tested, func(f string) bool { return in(f, file) })
		}
		return t.Whole || file == "go.mod" || file == "go.sum" || slices.ContainsFunc(folders, func(f string) bool { return in(f, file) })
	}
	sum := sha256.New()
	if err := json.NewEncoder(sum).Encode(t.Parts); err != nil {
		return "", err
	}
	for _, file := range c.files {
		if !within(file) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(c.root, file)) //nolint:gosec // files that git tracks
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted, and git has not been told
		}
		if err != nil {
			return "", err
		}
		_, _ = fmt.Fprintf(sum, "%s %d\n", file, len(content)) // a hash takes everything
		_, _ = sum.Write(content)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

// testFile reports whether a file is only there for the tests of its package.
func testFile(file string) bool {
	return strings.HasSuffix(file, "_test.go") || strings.Contains(file, "/testdata/")
}

// in reports whether a file belongs to the package in a folder: it is in it, or in a folder below that is no package of its own, like testdata.
func in(folder, file string) bool {
	rest, below := strings.CutPrefix(file, folder+"/")
	return below && (!strings.Contains(rest, "/") || !strings.HasSuffix(rest, ".go") || strings.HasPrefix(rest, "testdata/"))
}

// folders returns the folders of packages of the module, and of those that their tests depend on where they are wanted too.
func (c code) folders(ctx context.Context, dependencies bool, packages []string) ([]string, error) {
	if len(packages) == 0 {
		return nil, nil
	}
	arguments := []string{"list", "-f", "{{if not .Standard}}{{with .Module}}{{if .Main}}{{$.Dir}}{{end}}{{end}}{{end}}"}
	if dependencies {
		arguments = append(arguments, "-deps", "-test")
	}
	out, err := output(ctx, c.root, "go", append(arguments, packages...)...)
	if err != nil {
		return nil, err
	}
	root, err := filepath.EvalSymlinks(c.root)
	if err != nil {
		return nil, err
	}
	var folders []string
	for dir := range strings.FieldsSeq(string(out)) {
		folder, err := filepath.Rel(root, dir)
		if err != nil {
			return nil, err
		}
		folders = append(folders, filepath.ToSlash(folder))
	}
	slices.Sort(folders)
	return slices.Compact(folders), nil
}

// output runs a command in a folder and gives what it printed.
func output(ctx context.Context, dir, name string, arguments ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, arguments...) //nolint:gosec // git and go, with arguments of our own
	var said bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, io.Writer(&said)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", name, strings.Join(arguments, " "), err, strings.TrimSpace(said.String()))
	}
	return out, nil
}
