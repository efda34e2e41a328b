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
		if err := s.step(ctx, "starting Postgres", func() (err error) {
			url, err = s.startPostgres(ctx)
			return err
		}); err != nil {
			return "", err
		}
	}
	return url, s.step(ctx, "migrating the database", func() error {
		applied, err := migrations.Apply(ctx, cmp.Or(s.settings.migrationURL(), url))
		if len(applied) > 0 {
			s.log.InfoContext(ctx, "the database has a newer schema", "migrations", len(applied), "newest", applied[len(applied)-1])
		}
		if err != nil {
			return fmt.Errorf("the migrations failed: %s", lastCause(err))
		}
		return nil
	})
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
	settings := postgres.Config{Dir: s.settings.kept(databaseDir), ID: s.folder.ID, Cache: cache(s.settings), Log: s.log}
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
			s.log.Warn("the local database ended and is started again")
			if server, err = restart(ctx, settings); err != nil {
				s.log.Error("the local database cannot be started again", "error", err)
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
	url, name := settings.migrationURL(), config.MigrationDatabaseURL
	if url == "" {
		url, name = settings.values[config.DatabaseURL], config.DatabaseURL
	}
	if url == "" {
		return errors.New("DATABASE_URL is not set. Set it to the database to migrate. The local system's own database is migrated by make run")
	}
	if err := errors.Join(settings.reachDatabase(ctx, name), settings.checkPooler()); err != nil {
		return err
	}
	applied, err := migrations.Apply(ctx, url)
	if err != nil {
		return fmt.Errorf("the migrations failed: %s", lastCause(err))
	}
	_, err = fmt.Fprintf(stdout, "%d migrations applied %s\n", len(applied), strings.Join(applied, " "))
	return err
}
