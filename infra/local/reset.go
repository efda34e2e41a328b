package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/local/postgres"
	"github.com/act-platform/enhanced-integration/shared/app/config"
)

// asking is whom a command asks before it does what cannot be undone: nobody when input is nil.
type asking struct {
	command string // what is asked for, "reset"
	input   io.Reader
	yes     bool // it was agreed to beforehand
}

// part is something that the system keeps, and how many bytes it has.
type part struct {
	what, path string
	bytes      int64
}

// reset deletes the local system's data: the database's, the simulator's, the cloud's and the API key. It first says what and how much, and asks.
func reset(ctx context.Context, settings settings, ask asking, stdout io.Writer) error {
	if !exists(settings.state) {
		_, err := fmt.Fprintln(stdout, "There is nothing to delete: the system has not run in this folder.")
		return err
	}
	lock, err := lockState(settings)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	parts, err := keptParts(settings)
	if err != nil {
		return err
	}
	if len(parts) == 0 {
		_, err := fmt.Fprintln(stdout, "There is nothing to delete.")
		return err
	}
	var total int64
	var list strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&list, "  %-9s %s (%s)\n", megabytes(p.bytes), p.what, p.path)
		total += p.bytes
	}
	if _, err := fmt.Fprintf(stdout, "This deletes the local system's data:\n\n%s\n", &list); err != nil {
		return err
	}
	if settings.values[config.DatabaseURL] != "" {
		_, _ = fmt.Fprintf(stdout, "The database of %s is not touched.\n", settings.where(config.DatabaseURL)) // what matters was written
	}
	if agreed, err := ask.agreed(stdout); err != nil || !agreed {
		return err
	}
	if err := postgres.RemoveOf(ctx, settings.kept(databaseDir), settings.readFolder().ID); err != nil {
		return err
	}
	for _, file := range []string{cloudFile, notionFile, keyFile, envFile} {
		if err := os.Remove(settings.kept(file)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	_, err = fmt.Fprintf(stdout, "Deleted %s. The next make run starts afresh.\n", megabytes(total))
	return err
}

// keptParts lists what a reset deletes.
func keptParts(settings settings) ([]part, error) {
	var parts []part
	switch home, bytes, err := postgres.Size(settings.kept(databaseDir), settings.readFolder().ID); {
	case err == nil:
		parts = append(parts, part{"the local Postgres database", home, bytes})
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	for _, file := range []part{
		{"the simulated Notion workspace", settings.kept(notionFile), 0},
		{"the local queues and secrets", settings.kept(cloudFile), 0},
		{"the API key", settings.kept(keyFile), 0},
	} {
		info, err := os.Stat(file.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		file.bytes = info.Size()
		parts = append(parts, file)
	}
	return parts, nil
}

// agreed reports whether the person at the terminal says yes.
func (a asking) agreed(stdout io.Writer) (bool, error) {
	if a.yes {
		return true, nil
	}
	if a.input == nil {
		return false, fmt.Errorf("nothing was deleted, because there is no terminal to ask on. To delete it without being asked: make %s YES=1", a.command)
	}
	if _, err := fmt.Fprint(stdout, "Delete it? [y/N] "); err != nil {
		return false, err
	}
	answer, err := bufio.NewReader(a.input).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer == "y" || answer == "yes" {
		return true, nil
	}
	_, err = fmt.Fprintln(stdout, "Nothing was deleted.")
	return false, err
}

// megabytes writes a number of bytes for people.
func megabytes(bytes int64) string {
	if bytes < 100_000 {
		return fmt.Sprintf("%.1f kB", float64(bytes)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}
