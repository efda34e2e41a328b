package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// reachTime is how long a database or Notion may take to answer before the system starts.
const reachTime = 10 * time.Second

// ignoreLibpq removes the variables of PostgreSQL's own tools from the process: what they say of another database (PGSERVICE, PGOPTIONS, …)
// must not change how this system connects.
func ignoreLibpq() {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "PG") {
			_ = os.Unsetenv(name) // fails for a name that is none
		}
	}
}

// reach checks, before anything is built or started, that the database and the workspace of the settings are there and let us in.
func (s *system) reach(ctx context.Context) error {
	values := s.settings.values
	if values[config.DatabaseURL] != "" {
		if err := s.settings.reachDatabase(ctx, config.DatabaseURL); err != nil {
			return err
		}
		if direct := values[config.MigrationDatabaseURL]; direct != "" && direct != values[config.DatabaseURL] {
			if err := s.settings.reachDatabase(ctx, config.MigrationDatabaseURL); err != nil {
				return err
			}
		}
		if err := s.settings.checkPooler(); err != nil {
			return err
		}
	}
	if values[config.NotionToken] != "" {
		return s.reachNotion(ctx)
	}
	return nil
}

// checkPooler refuses Supabase's transaction pooler for migrations: they hold a lock of the session, which a transaction pooler does not keep.
//
// https://supabase.com/docs/guides/database/connecting-to-postgres
func (s settings) checkPooler() error {
	cfg, err := pgx.ParseConfig(s.values[config.DatabaseURL])
	if err != nil || cfg.Port != 6543 || s.values[config.MigrationDatabaseURL] != "" {
		return nil //nolint:nilerr // an address that is none was refused
	}
	return fmt.Errorf("%s is a transaction pooler (port 6543), which cannot run migrations. Also set MIGRATION_DATABASE_URL to the session pooler: the same address with port 5432",
		s.where(config.DatabaseURL))
}

// reachDatabase connects once to the database of a variable, and says in plain words why that fails. The password is not shown.
func (s settings) reachDatabase(ctx context.Context, name string) error {
	cfg, err := pgx.ParseConfig(s.values[name])
	if err != nil {
		return s.checkAddress(name)
	}
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err == nil {
		return conn.Close(ctx)
	}
	return fmt.Errorf("%s %s", s.where(name), unreached(cfg, err))
}

// unreached says why a connection to a database failed, and what to do.
func unreached(cfg *pgx.ConnConfig, err error) string {
	const instead = "or remove DATABASE_URL to use a local database"
	at := net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch refused.Code {
		case "28P01", "28000":
			return fmt.Sprintf("names %s, which does not let the user %q in with this password. Correct user and password. Special characters of the password must be percent-encoded: @ is %%40. The server says: %s", at, cfg.User, refused.Message)
		case "3D000":
			return fmt.Sprintf("names %s, which has no database %q. Create it, or correct the name behind the last slash", at, cfg.Database)
		}
		return fmt.Sprintf("names %s, which refuses the connection: %s", at, refused.Message)
	}
	var unknown *net.DNSError
	switch {
	case errors.As(err, &unknown) && !unknown.IsTimeout:
		return fmt.Sprintf("names the host %s, which is not known. Correct the host name, %s", cfg.Host, instead)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("names %s, where no database listens. Start it, correct host and port, %s", at, instead)
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return fmt.Sprintf("names %s, which this machine has no route to. Supabase's direct address needs IPv6: use the session pooler's address", at)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &unknown), isTimeout(err):
		return fmt.Sprintf("names %s, which did not answer within %s. Correct host and port, or open the firewall for this machine", at, reachTime)
	}
	return fmt.Sprintf("names %s, to which no connection can be made: %s", at, lastCause(err))
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// lastCause returns what is at the end of an error's causes: of several at once the first.
func lastCause(err error) string {
	for {
		switch e := err.(type) { //nolint:errorlint // it takes them apart
		case interface{ Unwrap() []error }:
			if all := e.Unwrap(); len(all) > 0 {
				err = all[0]
				continue
			}
		case interface{ Unwrap() error }:
			if inner := e.Unwrap(); inner != nil {
				err = inner
				continue
			}
		}
		return err.Error()
	}
}

// reachNotion asks Notion whose the token is. A token that Notion refuses is an error. When Notion cannot be reached the system starts all the
// same: it has to live with that later as well.
func (s *system) reachNotion(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	client := notion.New(notion.Config{
		BaseURL: s.settings.notionAPI(), Tokens: fixedToken{secret.Of(s.settings.values[config.NotionToken])},
		Budget: notion.NewWindow(notion.WindowConfig{Requests: 60, Period: time.Minute}),
	})
	_, err := client.Me(ctx)
	switch {
	case err == nil:
		return nil
	case fault.KindOf(err) == fault.Unauthorized:
		return fmt.Errorf("%s is refused by Notion (401). Copy the token again from the integration's Configuration tab at https://www.notion.so/profile/integrations", s.settings.where(config.NotionToken))
	}
	s.log.WarnContext(ctx, "NOTION_TOKEN could not be checked", "error", cmp.Or(fault.Message(err), err.Error()))
	return nil
}
