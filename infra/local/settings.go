package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/local/dotenv"
	"github.com/act-platform/enhanced-integration/infra/local/postgres"
	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// settings is what the system is set to: variables of the process's environment, which win, and of the file .env.
type settings struct {
	root     string // the project's folder
	state    string // the folder of what the system keeps
	values   map[string]string
	from     map[string]string // where a variable is set: ".env, line 3", or "in the environment"
	warnings []string          // what is odd about .env and no error
	ports    ports
}

type ports struct{ api, notion, cloud int }

// load reads the settings. What `source .local/env` left in the environment of a terminal is this system's own and not a setting: its
// database, its workspace. The error has a line for each thing that is wrong.
func load(root, state string, environ []string) (settings, error) {
	s := settings{root: root, state: state, values: map[string]string{}, from: map[string]string{}}
	source, err := os.ReadFile(s.project("template.yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		return s, errors.New("there is no template.yaml here: change into the project's folder first")
	}
	if err != nil {
		return s, fmt.Errorf("template.yaml cannot be read: %w", cause(err))
	}
	file, err := s.readFile()
	if err != nil {
		return s, err
	}
	for _, v := range file {
		s.values[v.Name], s.from[v.Name] = v.Value, fmt.Sprintf(".env, line %d", v.Line)
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
	for name := range terminal {
		s.from[name] = "in the environment"
	}
	return s, s.check(source, file)
}

// readFile returns the variables of .env; none when there is no such file.
func (s settings) readFile() ([]dotenv.Variable, error) {
	file, err := os.Open(s.project(".env"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf(".env cannot be read: %w. Make it readable for your user (chmod u+r .env), or delete it", cause(err))
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return nil, errors.New(".env is a folder. Replace it by a file with lines of NAME=value, or delete it")
	}
	variables, err := dotenv.Read(file)
	if err != nil {
		return nil, fmt.Errorf(".env: %w. Each line must be NAME=value, or begin with #", err)
	}
	return variables, nil
}

// where names a variable and the place where it is set.
func (s settings) where(name string) string {
	if from := s.from[name]; from != "" {
		return name + " (" + from + ")"
	}
	return name
}

// forgetOwn takes out what `source .local/env` left of this system: its database; of the simulator the token, and with it the databases' ids.
func (s settings) forgetOwn(values map[string]string) {
	if last, ok := postgres.LastURL(s.kept(databaseDir), s.readFolder().ID); ok && sameUser(last, values[config.DatabaseURL]) {
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
	folderFile   = "folder.json"
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
