// Command local is the whole system on one machine: Postgres, a Notion workspace to develop against, queues, secrets, schedules, and
// the functions that template.yaml names, as built binaries behind the API that it names.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// commands are what the program can do, in the order of the help.
func commands() []struct{ name, takes, does string } {
	return []struct{ name, takes, does string }{
		{"run", "", "start the system; Ctrl-C stops it, a second Ctrl-C at once"},
		{"sync", "[database...]", "start a sync of all databases, or of some, and show its progress"},
		{"sql", "[statement]", "run a statement in the system's database, or open psql"},
		{"key", "[create [client [scope...]] | list | revoke <id>]", "manage API keys; create prints a new one"},
		{"reset", "", "delete the local system's data, after asking; YES=1 in the environment does not ask"},
		{"schema", "<database id> [name]", "print what is needed to sync another Notion database"},
		{"migrate", "", "bring the database at DATABASE_URL to the newest schema"},
		{"uninstall", "", "remove the project from the database at DATABASE_URL, after asking; the synced tables stay"},
	}
}

// usage is the help: of one command, or of all when there is no such command.
func usage(command string) string {
	var text strings.Builder
	for _, c := range commands() {
		if c.name == command {
			return "usage: local " + strings.TrimSpace(c.name+" "+c.takes) + "\n\n  " + c.does + "\n"
		}
	}
	text.WriteString("usage: local <command>, in the project's folder\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&text, "  %-9s %s", c.name, c.does)
		if c.takes != "" {
			fmt.Fprintf(&text, ": %s %s", c.name, c.takes)
		}
		text.WriteByte('\n')
	}
	return text.String()
}

func commandNames() string {
	var all []string
	for _, c := range commands() {
		all = append(all, c.name)
	}
	return strings.Join(all, ", ")
}

func main() { os.Exit(execute(os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)) }

func execute(arguments, environ []string, stdin *os.File, stdout, stderr io.Writer) int {
	ignoreLibpq()
	if err := dispatch(arguments, environ, stdin, stdout); err != nil {
		for line := range strings.Lines(err.Error()) {
			_, _ = fmt.Fprintln(stderr, "local: "+strings.Join(strings.Fields(line), " "))
		}
		return 1
	}
	return 0
}

func dispatch(arguments, environ []string, stdin *os.File, stdout io.Writer) error {
	if len(arguments) == 0 {
		return fmt.Errorf("a command is missing. The commands are %s", commandNames())
	}
	command, rest := arguments[0], arguments[1:]
	if slices.ContainsFunc([]string{"help", "-h", "--help"}, func(help string) bool { return command == help || slices.Contains(rest, help) }) {
		_, err := io.WriteString(stdout, usage(command))
		return err
	}
	at := slices.IndexFunc(commands(), func(c struct{ name, takes, does string }) bool { return c.name == command })
	if at < 0 {
		return fmt.Errorf("there is no command %q. The commands are %s", command, commandNames())
	}
	if commands()[at].takes == "" && len(rest) > 0 {
		return fmt.Errorf("%s takes no arguments", command)
	}
	stop, now, release := interrupts()
	defer release()
	settings, err := load(".", ".local", environ)
	if err != nil {
		return err
	}
	switch command {
	case "run":
		return run(stop, now, settings, stdout)
	case "sync":
		return syncNow(stop, settings, rest, stdout)
	case "sql":
		return runSQL(stop, settings, rest, stdout)
	case "key":
		return manageKeys(stop, settings, rest, stdout)
	case "reset", "uninstall":
		ask := asking{command: command, yes: settings.values["YES"] == "1"}
		if isTerminal(stdin) {
			ask.input = stdin
		}
		if command == "uninstall" {
			return uninstall(stop, settings, ask, stdout)
		}
		return reset(stop, settings, ask, stdout)
	case "schema":
		return proposeSchema(stop, settings, rest, stdout)
	default:
		return migrate(stop, settings, stdout)
	}
}

// interrupts returns a context that the first signal ends and one that the second ends.
func interrupts() (first, second context.Context, release func()) {
	first, cancelFirst := context.WithCancel(context.Background())
	second, cancelSecond := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // which nohup does
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		for _, cancel := range []func(){cancelFirst, cancelSecond} {
			if _, ok := <-signals; !ok {
				return
			}
			cancel()
		}
	}()
	return first, second, func() {
		signal.Stop(signals)
		close(signals)
		cancelFirst()
		cancelSecond()
	}
}
