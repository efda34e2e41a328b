// Command deep runs the long tests, each once for the code that it tests, in as many sittings as it takes. What has passed is kept in a
// folder by a digest of the code, and not run again until that code changes; a part that failed, or was cut short, is run again. With names
// it runs only those tests.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := deep(ctx, plan(), os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "deep:", err)
		os.Exit(1)
	}
}

func deep(ctx context.Context, tests []test, arguments []string, out io.Writer) error {
	flags := flag.NewFlagSet("deep", flag.ContinueOnError)
	lasts := flags.Duration("for", 0, "begin nothing more after so long; 0: go on until all is done")
	document := flags.String("write", "", "put the table into this document")
	results := flags.String("results", ".local/deep", "keep the results in this folder")
	show := flags.Bool("show", false, "run nothing, and show what there is")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	tests, err := chosen(tests, flags.Args())
	if err != nil {
		return err
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	code, err := readCode(ctx, root)
	if err != nil {
		return err
	}
	commit, err := output(ctx, root, "git", "describe", "--always", "--dirty", "--abbrev=7", "--exclude=*")
	if err != nil {
		return err
	}
	s := sitting{code: code, store: store{*results}, commit: strings.TrimSpace(string(commit)), now: time.Now, out: out}
	switch {
	case *show:
		s.until = s.now()
	case *lasts > 0:
		s.until = s.now().Add(*lasts)
	}
	lines, err := s.run(ctx, tests)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "\n%s", table(lines))
	if *document != "" {
		if err := write(*document, table(lines)); err != nil {
			return err
		}
	}
	if !*show && slices.ContainsFunc(lines, func(l line) bool { return !l.done() }) {
		return errors.New("not everything has passed; run it again to go on")
	}
	return nil
}

// chosen returns the tests of those names, all where none is named.
func chosen(tests []test, names []string) ([]test, error) {
	if len(names) == 0 {
		return tests, nil
	}
	var some []test
	for _, name := range names {
		i := slices.IndexFunc(tests, func(t test) bool { return t.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no test %q; there are: %s", name, strings.Join(namesOf(tests), ", "))
		}
		some = append(some, tests[i])
	}
	return some, nil
}

func namesOf(tests []test) []string {
	names := make([]string, len(tests))
	for i, t := range tests {
		names[i] = t.Name
	}
	return names
}
