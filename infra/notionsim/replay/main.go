// Replay sends recorded requests of Notion's API to the simulator and compares its answers with those recorded.
//
//	go run ./infra/notionsim/replay [-v] folder…
//
// A folder holds files of pairs; the file pair.go says how they are written. Each pair meets a simulator of its own. A table says of
// each whether the answers agree; what is different each time, such as ids and times of creation, is not compared. The command ends
// with 1 where an answer differs.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	verbose := flag.Bool("v", false, "also show the pairs that agree")
	flag.Parse()
	if err := run(os.Stdout, *verbose, flag.Args()...); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
}

// run replays every pair in some folders and writes the table.
func run(w io.Writer, verbose bool, folders ...string) error {
	if len(folders) == 0 {
		return errors.New("name a folder of request and answer pairs")
	}
	var all []outcome
	for _, folder := range folders {
		pairs, err := readFolder(folder)
		if err != nil {
			return err
		}
		for _, p := range pairs {
			all = append(all, p.replay())
		}
	}
	differing := 0
	for _, o := range all {
		if o.differs() {
			differing++
		}
		if o.differs() || o.skipped != "" || verbose {
			o.write(w)
		}
	}
	agreed, skipped := 0, 0
	for _, o := range all {
		switch {
		case o.skipped != "":
			skipped++
		case !o.differs():
			agreed++
		}
	}
	_, _ = fmt.Fprintf(w, "%d agreed, %d differ, %d skipped\n", agreed, differing, skipped)
	if differing > 0 {
		return fmt.Errorf("%d of %d answers differ", differing, len(all))
	}
	return nil
}

// outcome is what came of one pair.
type outcome struct {
	name        string
	skipped     string // why it was not replayed
	differences []difference
}

func (o outcome) differs() bool { return len(o.differences) > 0 }

func (o outcome) write(w io.Writer) {
	switch {
	case o.skipped != "":
		_, _ = fmt.Fprintf(w, "skipped  %s: %s\n", o.name, o.skipped)
	case !o.differs():
		_, _ = fmt.Fprintf(w, "agreed   %s\n", o.name)
	}
	for _, d := range o.differences {
		_, _ = fmt.Fprintf(w, "differs  %s: %s: expected %s, got %s\n", o.name, d.path, d.expected, d.got)
	}
}

// readFolder reads the pairs of every JSON file in a folder, in order of the files' names.
func readFolder(folder string) ([]pair, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", folder, err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s has no JSON files", folder)
	}
	var all []pair
	for _, path := range paths {
		pairs, err := readFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, pairs...)
	}
	return all, nil
}
