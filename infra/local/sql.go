package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// runSQL runs a statement in the running system's database, or the one that the settings name, and writes its rows as psql -At does. Without a
// statement it becomes psql.
func runSQL(ctx context.Context, settings settings, arguments []string, stdout io.Writer) error {
	url, err := runningDatabase(settings)
	if err != nil {
		return err
	}
	if statement := strings.TrimSpace(strings.Join(arguments, " ")); statement != "" {
		return statementOnce(ctx, url, statement, stdout)
	}
	psql, err := exec.LookPath("psql")
	if err != nil {
		return errors.New(`psql is not installed. To run one statement without it: make sql Q="select name from partners"`)
	}
	return syscall.Exec(psql, []string{"psql", url}, os.Environ()) //nolint:gosec // a program on the user's PATH
}

func statementOnce(ctx context.Context, url, statement string, stdout io.Writer) error {
	connecting, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	conn, err := pgx.Connect(connecting, url)
	if err != nil {
		return fmt.Errorf("the database cannot be reached: %s", lastCause(err))
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	results := conn.PgConn().Exec(ctx, statement)
	for results.NextResult() {
		if err := writeResult(results.ResultReader(), stdout); err != nil {
			return errors.Join(err, results.Close())
		}
	}
	if err := results.Close(); err != nil {
		if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
			return fmt.Errorf("Postgres refuses the statement: %s (%s)", refused.Message, refused.Code) //nolint:staticcheck // a name
		}
		return errors.New(lastCause(err))
	}
	return nil
}

// writeResult writes rows with bars between their values, and nothing for null; of a statement without rows what it did: "UPDATE 1".
func writeResult(result *pgconn.ResultReader, stdout io.Writer) error {
	rows := len(result.FieldDescriptions()) > 0
	for result.NextRow() {
		values := make([]string, len(result.Values()))
		for i, value := range result.Values() {
			values[i] = string(value)
		}
		if _, err := fmt.Fprintln(stdout, strings.Join(values, "|")); err != nil {
			return err
		}
	}
	tag, err := result.Close()
	if err != nil || rows {
		return nil //nolint:nilerr // the whole tells it once more
	}
	_, err = fmt.Fprintln(stdout, tag.String())
	return err
}

// step does something that takes its time, and tells how long it took.
func (s *system) step(ctx context.Context, what string, do func() error) error {
	s.log.InfoContext(ctx, what)
	began := time.Now()
	if err := do(); err != nil {
		return err
	}
	what, _, _ = strings.Cut(what, " (") // an aside
	s.log.InfoContext(ctx, "done: "+what, "seconds", fmt.Sprintf("%.1f", time.Since(began).Seconds()))
	return nil
}
