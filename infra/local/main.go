// Command local is the whole system on one machine: Postgres, a Notion workspace to develop against, queues, secrets, schedules, and
// the functions that template.yaml names, as built binaries behind the API that it names.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

const usage = `usage: local <command>, in the project's folder

  run       start the system; Ctrl-C stops it, a second one at once
  reset     forget the system's data
  sync      start a full sync of the running system and show how far it is: sync [database...]
  key       API keys: key create [client [scope...]] prints a new one; key list; key revoke <id>
  schema    print what keeps another Notion database in step: schema <database id> [name]
  migrate   bring the database at DATABASE_URL up to the newest schema
`

func main() { os.Exit(execute(os.Args[1:], os.Environ(), os.Stdout, os.Stderr)) }

func execute(arguments, environ []string, stdout, stderr io.Writer) int {
	if err := dispatch(arguments, environ, stdout); err != nil {
		_, _ = fmt.Fprintln(stderr, "local: "+strings.Join(strings.Fields(err.Error()), " "))
		return 1
	}
	return 0
}

func dispatch(arguments, environ []string, stdout io.Writer) error {
	if len(arguments) == 0 {
		return errors.New("say what to do: run, sync, reset, key, schema or migrate")
	}
	stop, now, release := interrupts()
	defer release()
	command, rest := arguments[0], arguments[1:]
	if command == "help" || command == "-h" || command == "--help" {
		_, err := io.WriteString(stdout, usage)
		return err
	}
	if !slices.Contains([]string{"key", "sync", "schema"}, command) && len(rest) > 0 {
		return fmt.Errorf("%s takes no arguments", command)
	}
	settings, err := load(".", ".local", environ)
	if err != nil {
		return err
	}
	switch command {
	case "run":
		return run(stop, now, settings, stdout)
	case "reset":
		return reset(stop, settings)
	case "sync":
		return syncNow(stop, settings, rest, stdout)
	case "key":
		return manageKeys(stop, settings, rest, stdout)
	case "schema":
		return proposeSchema(stop, settings, rest, stdout)
	case "migrate":
		return migrate(stop, settings, stdout)
	}
	return fmt.Errorf("there is no command %s: run, sync, reset, key, schema or migrate", command)
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
