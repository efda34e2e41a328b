package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/postgres"
	"github.com/act-platform/enhanced-integration/infra/migrations"
	"github.com/act-platform/enhanced-integration/shared/app/config"
)

// startDatabase returns the address of the database that the settings name, or of one that it starts, brought up to date.
func (s *system) startDatabase(ctx context.Context) (string, error) {
	url := s.settings.values[config.DatabaseURL]
	if url == "" {
		var err error
		if url, err = s.startPostgres(ctx); err != nil {
			return "", err
		}
	}
	applied, err := migrations.Apply(ctx, cmp.Or(s.settings.migrationURL(), url))
	if len(applied) > 0 {
		s.log.InfoContext(ctx, "the database has a newer schema", "applied", strings.Join(applied, " "))
	}
	return url, err
}

// migrationURL returns the address for migrations where it is another than the functions'.
func (s settings) migrationURL() string {
	if s.values[config.DatabaseURL] == "" {
		return ""
	}
	return s.values[config.MigrationDatabaseURL]
}

// startPostgres starts a server of the system's own, and again whenever it ends before the system does.
func (s *system) startPostgres(ctx context.Context) (string, error) {
	settings := postgres.Config{Dir: s.settings.kept(databaseDir), Cache: cache(s.settings), Log: s.log}
	server, err := postgres.Start(ctx, settings)
	if err != nil {
		return "", err
	}
	url := server.URL()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-ctx.Done():
				server.Stop()
				return
			case <-server.Done():
			}
			s.log.Warn("the database ended and is started again")
			if server, err = restart(ctx, settings); err != nil {
				s.log.Error("the database cannot be started again", "error", err)
				return
			}
		}
	}()
	s.onStop(func() {
		cancel()
		<-stopped
	})
	return url, nil
}

// restart starts a server that ended, a second later so that one which cannot run does not run hot.
func restart(ctx context.Context, settings postgres.Config) (*postgres.Server, error) {
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-timer.C:
		return postgres.Start(ctx, settings)
	}
}

// cache returns the folder for programs that are fetched once for this machine.
func cache(settings settings) string {
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "enhanced-integration")
	}
	return settings.kept("cache")
}

// migrate brings the database that the settings name up to date.
func migrate(ctx context.Context, settings settings, stdout io.Writer) error {
	url := cmp.Or(settings.migrationURL(), settings.values[config.DatabaseURL])
	if url == "" {
		return errors.New("set DATABASE_URL to the database that is to be migrated; the local system's own is migrated by make run")
	}
	applied, err := migrations.Apply(ctx, url)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%d migrations applied %s\n", len(applied), strings.Join(applied, " "))
	return err
}

// reset forgets the system's data: the database's, the simulator's, the cloud's and the API key.
func reset(ctx context.Context, settings settings) error {
	if _, err := os.Stat(settings.state); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	lock, err := lockState(settings)
	if err != nil {
		return err
	}
	defer lock.Release()
	if err := postgres.Remove(ctx, settings.kept(databaseDir)); err != nil {
		return err
	}
	for _, file := range []string{cloudFile, notionFile, keyFile, envFile} {
		if err := os.Remove(settings.kept(file)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
