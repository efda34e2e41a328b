package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/infra/local/dotenv"
	"github.com/act-platform/enhanced-integration/infra/local/postgres"
	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/secret/seal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// settings is what the system is set to: variables of the process's environment, which win, and of the file .env.
type settings struct {
	root   string // the project's folder
	state  string // the folder of what the system keeps
	values map[string]string
	ports  ports
}

type ports struct{ api, notion, cloud int }

// load reads the settings. What `source .local/env` left in the environment of a terminal is this system's own and not a setting: its
// database, its workspace.
func load(root, state string, environ []string) (settings, error) {
	s := settings{root: root, state: state, values: map[string]string{}}
	if _, err := os.Stat(s.project("template.yaml")); err != nil {
		return s, errors.New("there is no template.yaml here: call this in the project's folder")
	}
	file, err := os.Open(s.project(".env"))
	switch {
	case err == nil:
		defer func() { _ = file.Close() }()
		if s.values, err = dotenv.Parse(file); err != nil {
			return s, fmt.Errorf(".env: %w", err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return s, err
	}
	terminal := map[string]string{}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if value != "" {
			terminal[name] = value
		}
	}
	s.forgetOwn(s.values)
	s.forgetOwn(terminal) // before it goes over the file, which may name real ones
	maps.Copy(s.values, terminal)
	for _, name := range []string{config.DatabaseURL, config.MigrationDatabaseURL} {
		if _, err := pgx.ParseConfig(s.values[name]); err != nil { // which might show the password
			return s, fmt.Errorf("%s is no address of a Postgres database, such as postgres://user:password@host:5432/name", name)
		}
	}
	if _, err := seal.ParseRing(secret.Of(s.values[config.WebhookSealingKey])); err != nil {
		return s, fmt.Errorf("%s is wrong. %s Leave it out to have the system make one up", config.WebhookSealingKey, fault.Message(err))
	}
	for _, p := range []struct {
		into    *int
		name    string
		normal  int
		purpose string
	}{
		{&s.ports.api, "PORT", 4000, "API"}, {&s.ports.notion, "NOTION_SIM_PORT", 4001, "Notion simulator"}, {&s.ports.cloud, "CLOUD_PORT", 4002, "local cloud"},
	} {
		*p.into = p.normal
		if given := s.values[p.name]; given != "" {
			if *p.into, err = strconv.Atoi(given); err != nil || *p.into < 0 || *p.into > 65535 {
				return s, fmt.Errorf("%s is %q and must be the number of a port for the %s", p.name, given, p.purpose)
			}
		}
	}
	if err := s.checkNotion(); err != nil {
		return s, err
	}
	return s, s.checkSupabase()
}

// forgetOwn takes out what `source .local/env` left of this system: its database; of the simulator the token, and with it the databases' ids.
func (s settings) forgetOwn(values map[string]string) {
	if last, ok := postgres.LastURL(s.kept(databaseDir)); ok && sameUser(last, values[config.DatabaseURL]) {
		delete(values, config.DatabaseURL)
	}
	if values[config.NotionToken] == notionsim.IntegrationToken {
		delete(values, config.NotionToken)
		for _, kind := range mapping.ACT().Kinds {
			delete(values, kind.DatabaseIDVariable)
		}
	}
}

// sameUser reports whether two addresses have the same user and password. A local server's password is its own, its port may change.
func sameUser(a, b string) bool {
	one, err := url.Parse(a)
	if err != nil {
		return false
	}
	other, err := url.Parse(b)
	return err == nil && one.User.String() == other.User.String()
}

// checkNotion sees to it that a workspace's token and its databases come together: else the simulator's content would be synced in their place.
func (s settings) checkNotion() error {
	var names []string
	for _, kind := range mapping.ACT().Kinds {
		set := s.values[kind.DatabaseIDVariable] != ""
		if set && !s.realNotion() {
			return fmt.Errorf("%s is set and NOTION_TOKEN is not: set it to the integration's token, or leave the databases out to use the simulator", kind.DatabaseIDVariable)
		}
		if set {
			return nil
		}
		names = append(names, kind.DatabaseIDVariable)
	}
	if !s.realNotion() {
		return nil
	}
	return fmt.Errorf("NOTION_TOKEN or NOTION_OAUTH_CLIENT_ID is set and no database: set %s, or leave those out to use the simulator", strings.Join(names, ", "))
}

// checkSupabase sees to it that a project's address comes with its database: the system's own would be synced in its place, and be told of as
// Supabase. A stand-in on this machine has none.
func (s settings) checkSupabase() error {
	u, err := url.Parse(s.values["SUPABASE_URL"])
	if err != nil || s.values["SUPABASE_URL"] == "" || s.values[config.DatabaseURL] != "" {
		return nil //nolint:nilerr // the functions tell of an address that is none
	}
	ip := net.ParseIP(u.Hostname())
	if !s.realNotion() && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return nil
	}
	if u.Hostname() == "" {
		return errors.New("SUPABASE_URL is no address, such as https://your-project.supabase.co")
	}
	return fmt.Errorf("SUPABASE_URL names %s, and %s is not set: set it to that project's database (Connect, Transaction pooler, in Supabase's dashboard), or leave SUPABASE_URL out to use a database of the system's own",
		u.Hostname(), config.DatabaseURL)
}

// realNotion reports whether the system works on a real workspace, by a token or by OAuth.
func (s settings) realNotion() bool {
	return s.values[config.NotionToken] != "" || s.values["NOTION_OAUTH_CLIENT_ID"] != ""
}

// notionAPI returns where the real Notion's API is.
func (s settings) notionAPI() string {
	return cmp.Or(s.values["NOTION_API_URL"], "https://api.notion.com")
}

// announced returns what the running system has written down for scripts; fs.ErrNotExist: it does not run.
func (s settings) announced() (map[string]string, error) {
	file, err := os.Open(s.kept(envFile))
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return dotenv.Parse(file)
}

// project returns the path of one of the project's files.
func (s settings) project(name string) string { return filepath.Join(s.root, name) }

// kept returns the path of one of the files that the system keeps.
func (s settings) kept(name string) string { return filepath.Join(s.state, name) }

// What the system keeps.
const (
	functionsDir = "lambda"
	databaseDir  = "postgres"
	cloudFile    = "cloud.db"
	notionFile   = "notion.db"
	keyFile      = "api-key.json"
	envFile      = "env"
	lockFile     = "lock"
)

// snake returns a parameter's name as a variable is called: NotionApiUrl is NOTION_API_URL.
func snake(name string) string {
	var result strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' && (name[i-1] < 'A' || name[i-1] > 'Z') {
			result.WriteByte('_')
		}
		result.WriteRune(r)
	}
	return strings.ToUpper(result.String())
}
