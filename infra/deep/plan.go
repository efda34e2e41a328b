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
	// Of are the Go packages whose code it runs; none: it builds and runs the whole system.
	Of []string
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

// plan gives the long tests in the order in which they are run: the shortest first.
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
			Of: []string{"./shared/merge", "./shared/property", "./shared/record", "./shared/notion"},
			Parts: []part{{"all", []string{
				"go", "test", "-race", "-timeout", "6h", "-count=1", "-v", "./shared/merge", "./shared/property", "./shared/record", "./shared/notion", "-rapid.checks=" + laws,
			}}},
		},
		{
			Name: "freshness", What: "no row stays stale beside a team at work, two hours of it, twenty times", Of: []string{"./shared/syncrun"},
			Parts: []part{{"all", []string{
				"go", "test", "-timeout", "2h", "-count=1", "-v", "./shared/syncrun", "-run", "NoRowStays", "-freshness.seeds=" + freshSeeds, "-freshness.minutes=120",
			}}},
		},
		made("kill", "workers killed by SIGKILL at a hundred random moments"),
		made("pooler", "the store, a sync, deliveries and the dashboard behind PgBouncer"),
		made("browser", "the dashboard and the OAuth round in Chromium"),
		made("sam-local-test", "sam local against make run"),
		made("day", "a day of work, and every secret looked for in all that it wrote"),
		made("scale", "databases of 25,000 and 100,000 pages, a backfill, a million events"),
		made("soak", "lost workers, failing subscribers, bursts"),
		oracle,
	}
}

// made is a test that has a target in the Makefile.
func made(target, what string) test {
	return test{Name: target, What: what, Parts: []part{{"all", []string{"make", "--no-print-directory", target}}}}
}
