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
			s.log.InfoContext(ctx, "the database was migrated", "migrations", len(applied), "newest", applied[len(applied)-1])
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
	url, err := settings.ownersURL(ctx, "to migrate. The local system's own database is migrated by make run")
	if err != nil {
		return err
	}
	applied, err := migrations.Apply(ctx, url)
	if err != nil {
		return fmt.Errorf("the migrations failed: %s", lastCause(err))
	}
	_, err = fmt.Fprintf(stdout, "%d migrations applied %s\n", len(applied), strings.Join(applied, " "))
	return err
}

// ownersURL returns the address at which the schema can be changed; does says what for.
func (s settings) ownersURL(ctx context.Context, does string) (string, error) {
	url, name := s.migrationURL(), config.MigrationDatabaseURL
	if url == "" {
		url, name = s.values[config.DatabaseURL], config.DatabaseURL
	}
	if url == "" {
		return "", errors.New("DATABASE_URL is not set. Set it to the database " + does)
	}
	return url, errors.Join(s.reachDatabase(ctx, name), s.checkPooler())
}

// uninstall removes the project from a database, after asking. The tables of records stay.
func uninstall(ctx context.Context, settings settings, ask asking, stdout io.Writer) error {
	url, err := settings.ownersURL(ctx, "to remove the project from. The local system's own database is deleted by make reset")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "This removes the project from the database of %s: the schema integration, with the history, the conflicts, the subscriptions "+
		"and the keys, the tables notion_... that hold the state of both sides, and oauth_tokens. The synced tables stay, with their rows, and nothing changes in "+
		"Notion. Stop the functions first.\n", settings.where(config.DatabaseURL)); err != nil {
		return err
	}
	if agreed, err := ask.agreed(stdout); err != nil || !agreed {
		return err
	}
	dropped, kept, err := migrations.Remove(ctx, url)
	if err != nil {
		return fmt.Errorf("nothing was removed: %s", lastCause(err))
	}
	if len(kept)+len(dropped) == 0 {
		_, err = fmt.Fprintln(stdout, "There is nothing to remove: the database has no tables of this project.")
		return err
	}
	_, err = fmt.Fprintf(stdout, "Removed the schema integration and %s. These stay: %s.\n", strings.Join(dropped, ", "), strings.Join(kept, ", "))
	return err
}
