// Package postgres runs a PostgreSQL server without set-up: it finds or fetches the programs, makes the data folder, starts the
// server on a loopback port with a password of its own, and stops it.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/act-platform/enhanced-integration/infra/local/postgres/binary"
	"github.com/act-platform/enhanced-integration/infra/local/process"
)

const (
	startTime = 60 * time.Second // recovery after a kill included
	stopTime  = 10 * time.Second
)

// Config says how a server is run.
type Config struct {
	Dir       string // keeps the data, the password and the log across restarts
	ID        string // whose Dir is, where what it keeps has to lie elsewhere; "": of whoever has the same path
	Cache     string // keeps the fetched programs
	Port      int    // 0: the port of the last start, or a free one
	Ephemeral bool   // faster; a crash of the machine, not of the server, may lose the data
	Log       *slog.Logger
}

// Server is a running server.
type Server struct {
	process *process.Process
	url     string
}

// Start starts the server and returns when it answers. A server that an earlier run left over in the same folder is stopped first.
func Start(ctx context.Context, config Config) (*Server, error) {
	account, err := currentAccount()
	if err != nil {
		return nil, err
	}
	home, err := account.place(config.Dir, config.ID)
	if err != nil {
		return nil, fmt.Errorf("the local database's folder cannot be made: %w", err)
	}
	if wanted, err := filepath.Abs(config.Dir); err == nil && home != wanted {
		config.Log.InfoContext(ctx, "PostgreSQL's user cannot enter this folder, so the database is kept in another one", "folder", home, "instead_of", wanted)
	}
	programs, err := find(ctx, account, config)
	if err != nil {
		return nil, err
	}
	return cluster{home: home, account: account, programs: programs}.start(ctx, config)
}

func (c cluster) start(ctx context.Context, config Config) (*Server, error) {
	if err := c.stopLeftOver(ctx); err != nil {
		return nil, err
	}
	if err := c.initialize(ctx); err != nil {
		return nil, err
	}
	port, err := c.choosePort(ctx, config.Port)
	if err != nil {
		return nil, err
	}
	password, err := c.password()
	if err != nil {
		return nil, err
	}
	server := &Server{url: address(password, port, "act")}
	if server.process, err = c.run(ctx, port, password, config.Ephemeral); err != nil {
		return nil, err
	}
	if err := createDatabase(ctx, address(password, port, "postgres"), "act"); err != nil {
		server.Stop()
		return nil, err
	}
	return server, nil
}

// URL returns the address of the database.
func (s *Server) URL() string { return s.url }

// Done is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.process.Done() }

// Stop ends the server: sessions are cut off, what was committed is kept.
func (s *Server) Stop() {
	s.process.Stop(stopTime, syscall.SIGINT, syscall.SIGQUIT)
}

// LastURL returns the address that the server of dir and id had when it last ran; false when there was none.
func LastURL(dir, id string) (string, bool) {
	account, err := currentAccount()
	if err != nil {
		return "", false
	}
	home, err := account.locate(dir, id)
	if err != nil {
		return "", false
	}
	c := cluster{home: home}
	password, err := c.password()
	if err != nil {
		return "", false
	}
	port, err := c.lastPort()
	return address(password, port, "act"), err == nil
}

// Adopt moves the data that an earlier version kept for dir, under no id, to id, and stops a server that still runs on it. It does nothing where
// dir has no data of its own: data that is kept elsewhere for the same path belongs to an earlier folder.
func Adopt(ctx context.Context, dir, id string) error {
	account, err := currentAccount()
	if err != nil {
		return err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return err
	}
	old, err := account.locate(dir, "")
	if errors.Is(err, fs.ErrNotExist) || err == nil && old != standIn(dir, "") {
		return nil
	}
	if err != nil {
		return err
	}
	if err := (cluster{home: old}).stopLeftOver(ctx); err != nil {
		return err
	}
	return os.Rename(old, standIn(dir, id))
}

// Size tells where what Start keeps for dir and id lies, and how many bytes it has; fs.ErrNotExist when there is nothing.
func Size(dir, id string) (home string, bytes int64, err error) {
	account, err := currentAccount()
	if err != nil {
		return "", 0, err
	}
	if home, err = account.locate(dir, id); err != nil {
		return "", 0, err
	}
	err = filepath.WalkDir(home, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil //nolint:nilerr // what is gone meanwhile has no size
		}
		if info, err := entry.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	return home, bytes, err
}

// Remove is RemoveOf without an id.
func Remove(ctx context.Context, dir string) error { return RemoveOf(ctx, dir, "") }

// RemoveOf deletes what Start keeps for dir and id, and ends a server that an earlier run left over there.
func RemoveOf(ctx context.Context, dir, id string) error {
	account, err := currentAccount()
	if err != nil {
		return err
	}
	home, err := account.locate(dir, id)
	if errors.Is(err, fs.ErrNotExist) {
		return os.RemoveAll(dir)
	}
	if err != nil {
		return err
	}
	if err := (cluster{home: home}).stopLeftOver(ctx); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(home), os.RemoveAll(dir))
}

func find(ctx context.Context, account account, config Config) (binary.Programs, error) {
	if programs, ok := binary.Find(ctx, os.Getenv("PATH"), account.reaches); ok {
		return programs, nil
	}
	cache, err := account.place(config.Cache, "")
	if err != nil {
		return binary.Programs{}, fmt.Errorf("the folder for PostgreSQL's programs cannot be made: %w", err)
	}
	return binary.Fetch(ctx, cache, config.Log)
}

func address(password string, port int, database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, password),
		Host: "127.0.0.1:" + strconv.Itoa(port), Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

func createDatabase(ctx context.Context, server, name string) error {
	connection, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("connect to the new database server: %w", err)
	}
	defer func() { _ = connection.Close(ctx) }()
	var exists bool
	if err := connection.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists); err != nil {
		return fmt.Errorf("look for database %s: %w", name, err)
	}
	if exists {
		return nil
	}
	if _, err := connection.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

// run starts the server on port and returns when it answers. Backends of a server that was killed may take a moment to notice, and
// the new server does not start before they have: it is tried again.
func (c cluster) run(ctx context.Context, port int, password string, ephemeral bool) (*process.Process, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		running, err := c.spawn(port, ephemeral)
		if err != nil {
			return nil, err
		}
		ended := c.awaitReady(ctx, running, address(password, port, "postgres"))
		if ended == nil {
			return running, nil
		}
		running.Stop(stopTime, syscall.SIGINT)
		if !strings.Contains(c.lastLog(), "still in use") {
			return nil, ended
		}
		select {
		case <-ctx.Done():
			return nil, ended
		case <-ticker.C:
		}
	}
}

func (c cluster) spawn(port int, ephemeral bool) (*process.Process, error) {
	log, err := os.Create(c.path("log"))
	if err != nil {
		return nil, fmt.Errorf("open the database's log: %w", err)
	}
	defer func() { _ = log.Close() }() // the server has its own
	settings := []string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(port), "unix_socket_directories=",
		"timezone=UTC", "log_timezone=UTC", "max_connections=200",
	}
	if ephemeral {
		settings = append(settings, "fsync=off", "full_page_writes=off", "autovacuum=off")
	}
	arguments := []string{"-D", c.data()}
	for _, setting := range settings {
		arguments = append(arguments, "-c", setting)
	}
	cmd := exec.Command(c.programs.Path("postgres"), arguments...) //nolint:gosec,noctx // a program that was found by us; ended by Stop
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.data(), c.environment(), log, log
	c.account.runAs(cmd)
	running, err := process.Start(cmd, syscall.SIGINT)
	if err != nil {
		return nil, fmt.Errorf("start the database: %w", err)
	}
	return running, nil
}

// awaitReady returns nil once the server takes connections.
func (c cluster) awaitReady(ctx context.Context, running *process.Process, url string) error {
	const starting = "57P03" // cannot_connect_now
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		connection, err := pgx.Connect(ctx, url)
		if err == nil {
			return connection.Close(ctx)
		}
		if refused, ok := errors.AsType[*pgconn.PgError](err); ok && refused.Code != starting {
			return fmt.Errorf("the local database refuses the connection: %w", err)
		}
		select {
		case <-running.Done():
			return fmt.Errorf("the local database did not start. Its log says: %s", c.lastLog())
		case <-ctx.Done():
			return fmt.Errorf("the local database did not get ready: %w. Its log says: %s", context.Cause(ctx), c.lastLog())
		case <-ticker.C:
		}
	}
}
