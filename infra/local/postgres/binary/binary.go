// Package binary finds PostgreSQL's programs on this machine, or fetches them.
package binary

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// oldest is the oldest major version that is used when found; an older one is passed over.
const oldest = 14

// Programs is a folder with PostgreSQL's initdb and postgres.
type Programs struct {
	Dir   string
	Major int // major version, such as 17
}

// Path returns the path of one program.
func (p Programs) Path(name string) string { return filepath.Join(p.Dir, name) }

// Find looks for programs in the folders of path (a PATH), then where Debian and Ubuntu keep them, newest first. usable may refuse a
// folder.
func Find(ctx context.Context, path string, usable func(dir string) bool) (Programs, bool) {
	packaged, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well-formed
	slices.SortFunc(packaged, func(a, b string) int { return versionIn(b) - versionIn(a) })
	for _, dir := range append(filepath.SplitList(path), packaged...) {
		// Where initdb is a link, it looks for its files beside what the link points to.
		initdb, err := filepath.EvalSymlinks(filepath.Join(dir, "initdb"))
		if err != nil || !filepath.IsAbs(initdb) || !usable(filepath.Dir(initdb)) {
			continue
		}
		if programs, err := inspect(ctx, filepath.Dir(initdb)); err == nil && programs.Major >= oldest {
			return programs, true
		}
	}
	return Programs{}, false
}

func versionIn(dir string) int {
	version, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir))) // "9.6" is older than any that counts
	return version
}

// inspect runs the folder's postgres to see that it runs and which version it is.
func inspect(ctx context.Context, dir string) (Programs, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output() //nolint:gosec // a PATH of the user's own
	if err != nil {
		return Programs{}, fmt.Errorf("run postgres of %s: %w", dir, err)
	}
	match := regexp.MustCompile(`^postgres \(PostgreSQL\) (\d+)`).FindSubmatch(out)
	if match == nil {
		return Programs{}, fmt.Errorf("postgres of %s does not tell its version", dir)
	}
	major, err := strconv.Atoi(string(match[1]))
	if err != nil {
		return Programs{}, fmt.Errorf("postgres of %s does not tell its version: %w", dir, err)
	}
	return Programs{Dir: dir, Major: major}, nil
}
