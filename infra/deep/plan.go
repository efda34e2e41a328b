package main

import (
	"fmt"
	"regexp"
	"strconv"
)

// test is a long test. It consists of parts, each of which is kept when it has passed.
type test struct {
	Name  string
	What  string // what it shows, for the table
	Parts []part
	// Of are the Go packages whose tests it runs, with what they depend on.
	Of []string
	// Whole has it build and run the whole system beside.
	Whole bool
	// Figure finds in the output of a part what the table says of it; its numbers are summed over the parts.
	Figure *regexp.Regexp
}

// part is a command.
type part struct {
	Name    string
	Command []string
}

const (
	chunks     = 20
	chunk      = 5000 // histories
	laws       = "10000"
	freshSeeds = "20"
)

// plan returns the long tests in the order in which they are run: the shortest first.
func plan() []test {
	oracle := test{
		Name: "histories", What: "drawn histories of people, syncs and faults against a model", Of: []string{"./shared/internal/oracle"},
		Figure: regexp.MustCompile(`\d+ histories of \d+ steps in all, .*`),
	}
	for seed := 1; seed <= chunks; seed++ {
		oracle.Parts = append(oracle.Parts, part{fmt.Sprintf("seed-%02d", seed), []string{
			"go", "test", "-timeout", "24h", "-count=1", "-v", "./shared/internal/oracle",
			"-histories=" + strconv.Itoa(chunk), "-rapid.seed=" + strconv.Itoa(seed),
		}})
	}
	return []test{
		{
			Name: "laws", What: "merge, values and the client, by drawn cases, with the race detector",
			Of: []string{"./shared/sync/merge", "./shared/sync/property", "./shared/sync/record", "./shared/notion"},
			Parts: []part{{"all", []string{
				"go", "test", "-race", "-timeout", "6h", "-count=1", "-v", "./shared/sync/merge", "./shared/sync/property", "./shared/sync/record", "./shared/notion", "-rapid.checks=" + laws,
			}}},
		},
		{
			Name: "freshness", What: "no row stays stale beside a team at work, two hours of it, twenty times", Of: []string{"./shared/sync/engine"},
			Parts: []part{{"all", []string{
				"go", "test", "-timeout", "2h", "-count=1", "-v", "./shared/sync/engine", "-run", "NoRowStays", "-freshness.seeds=" + freshSeeds, "-freshness.minutes=120",
			}}},
		},
		{
			Name: "kill", What: "workers killed by SIGKILL at a hundred random moments", Of: []string{"./shared/internal/killed"}, Parts: target("kill"),
		},
		whole("pooler", "the store, a sync, deliveries and the dashboard behind PgBouncer", "./shared/postgres", "./shared/postgres/records", "./infra/local"),
		{
			Name: "dump-test", What: "a database in step through pg_dump and pg_restore, and on", Of: []string{"./shared/sync/engine"}, Parts: target("dump-test"),
		},
		whole("browser", "the dashboard and the OAuth round in Chromium", "./infra/local"),
		whole("sam-local-test", "sam local against make run", "./infra/local"),
		whole("day", "a day of work, and every secret looked for in all that it wrote", "./infra/local"),
		whole("outage", "the database away, a row locked, applications beside syncs", "./infra/local", "./shared/sync/engine"),
		whole("scale", "databases of 25,000 and 100,000 pages, a backfill, a million events", "./infra/local", "./shared/postgres"),
		whole("soak", "lost workers, failing subscribers, bursts", "./infra/local"),
		oracle,
	}
}

// whole is a test that has a target in the Makefile, and runs the whole system beside tests of some packages.
func whole(name, what string, of ...string) test {
	return test{Name: name, What: what, Of: of, Whole: true, Parts: target(name)}
}

// target is the only part of a test that the Makefile runs.
func target(name string) []part {
	return []part{{"all", []string{"make", "--no-print-directory", name}}}
}
