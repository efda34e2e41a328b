package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/infra/local/template"
	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/app/config"
)

// anID is a Notion database's.
const anID = "0123456789abcdef0123456789abcdef"

// project makes a folder with a template and a .env of that content, and a folder for the state.
func project(t *testing.T, env string) (root, state string) {
	t.Helper()
	root = t.TempDir()
	for name, content := range map[string]string{"template.yaml": "", ".env": env} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root, filepath.Join(root, "state")
}

func TestLoad(t *testing.T) {
	t.Parallel()
	root, state := project(t, "PORT=4100\nLOG_LEVEL=debug\nNOTION_TOKEN=ntn_real\nNOTION_PARTNERS_DATABASE_ID="+anID+"\n")
	s, err := load(root, state, []string{"LOG_LEVEL=warn", "PORT=", "CLOUD_PORT=0", "ODD"})
	if err != nil {
		t.Fatal(err)
	}
	if s.ports != (ports{4100, 4001, 0}) {
		t.Errorf("ports %+v", s.ports)
	}
	if s.values["LOG_LEVEL"] != "warn" || !s.realNotion() || s.values["NOTION_PARTNERS_DATABASE_ID"] != anID {
		t.Errorf("values %v", s.values)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file    string
		environ []string
		want    string
	}{
		"a malformed .env":                 {"A=1\nsecret\n", nil, ".env: line 2 is not NAME=value. Each line must be NAME=value, or begin with #"},
		"a port that is none":              {"", []string{"PORT=http"}, `PORT (in the environment) is "http". Write the number of a free port for the API, from 1024 to 65535, such as 4000`},
		"a port too high":                  {"", []string{"CLOUD_PORT=65536"}, `CLOUD_PORT (in the environment) is "65536". Write the number of a free port for the local cloud`},
		"a database that is none":          {"", []string{"DATABASE_URL=postgres://me:ntn_real:5432"}, "DATABASE_URL (in the environment) is not the address of a Postgres database. Write postgres://user:password@host:5432/database"},
		"a token and no database":          {"NOTION_TOKEN=ntn_real", nil, "NOTION_TOKEN (.env, line 1) is set and no database id is. Set at least one of NOTION_PARTNERS_DATABASE_ID"},
		"a token from the terminal":        {"", []string{"NOTION_TOKEN=ntn_real"}, "NOTION_TOKEN (in the environment) is set and no database id is"},
		"databases and no token":           {"NOTION_PROJECTS_DATABASE_ID=" + anID, nil, "NOTION_PROJECTS_DATABASE_ID (.env, line 1) is set and NOTION_TOKEN is not. Set NOTION_TOKEN to the integration's token"},
		"a project's address that is none": {"", []string{"SUPABASE_URL=abcd"}, `SUPABASE_URL (in the environment) is "abcd". Write the project's address without a path: https://your-project.supabase.co`},
		"a project without its database": {
			"NOTION_TOKEN=ntn_real\nNOTION_PARTNERS_DATABASE_ID=" + anID + "\nSUPABASE_URL=https://abcd.supabase.co", nil,
			"SUPABASE_URL (.env, line 3) is abcd.supabase.co, and DATABASE_URL is not set. Set DATABASE_URL to that project's database",
		},
		"a project without its database, and the simulator": {"", []string{"SUPABASE_URL=https://abcd.supabase.co"}, "DATABASE_URL is not set"},
		"a stand-in of a project, and the real Notion":      {"NOTION_TOKEN=ntn_real\nNOTION_PARTNERS_DATABASE_ID=" + anID, []string{"SUPABASE_URL=http://127.0.0.1:54321"}, "DATABASE_URL is not set"},
		"a sealing key that is none":                        {"WEBHOOK_SEALING_KEY=ntn_real", nil, "WEBHOOK_SEALING_KEY (.env, line 1) cannot be used (8 characters; not shown, because it is a secret). Write a key of 32 bytes in base64"},
		"a negative port, in a file":                        {"NOTION_SIM_PORT=-1", nil, `NOTION_SIM_PORT (.env, line 1) is "-1"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, state := project(t, c.file)
			_, err := load(root, state, c.environ)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "ntn_real") {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
		})
	}
}

// TestWhatWasSourcedIsNoSetting: a terminal in which .local/env was sourced starts the same system as any other.
func TestWhatWasSourcedIsNoSetting(t *testing.T) {
	t.Parallel()
	root, state := project(t, "")
	home := filepath.Join(state, databaseDir)
	if err := os.MkdirAll(home, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := load(root, state, []string{"NOTION_TOKEN=" + notionsim.IntegrationToken, "DATABASE_URL=postgres://act:theirs@127.0.0.1:5/act"})
	if err != nil || s.realNotion() || s.values["DATABASE_URL"] == "" {
		t.Errorf("values %v, error %v", s.values, err)
	}
	for name, c := range map[string]struct {
		file string
		real bool
		want string // NOTION_PARTNERS_DATABASE_ID
	}{
		"the simulator's databases go with its token": {"", false, ""},
		"what .env says of a real workspace stands":   {"NOTION_TOKEN=ntn_real\nNOTION_PARTNERS_DATABASE_ID=" + anID, true, anID},
	} {
		root, state := project(t, c.file)
		s, err := load(root, state, []string{"NOTION_TOKEN=" + notionsim.IntegrationToken, "NOTION_PARTNERS_DATABASE_ID=simulated"})
		if err != nil || s.realNotion() != c.real || s.values["NOTION_PARTNERS_DATABASE_ID"] != c.want {
			t.Errorf("%s: values %v, error %v", name, s.values, err)
		}
	}
	for _, c := range []struct {
		url  string
		ours bool
	}{
		{"postgres://act:ours@127.0.0.1:40543/act?sslmode=disable", true},
		{"postgres://act:ours@127.0.0.1:1/act?sslmode=disable", true}, // of an earlier start, on another port
		{"postgres://act:theirs@127.0.0.1:40543/act", false},
		{"postgres://other@127.0.0.1/act", false},
		{"host=127.0.0.1 user=act", false},
		{"::", false},
	} {
		if got := sameUser("postgres://act:ours@127.0.0.1:40543/act?sslmode=disable", c.url); got != c.ours {
			t.Errorf("%s is ours: %v", c.url, got)
		}
	}
}

func TestBlame(t *testing.T) {
	t.Parallel()
	s := settings{values: map[string]string{"LOG_LEVEL": "loud"}, from: map[string]string{"LOG_LEVEL": ".env, line 3"}}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"a variable's value":         {&template.Error{Line: 17, Path: "Parameters.LogLevel", Reason: `"loud" is not one of debug, info`}, `LOG_LEVEL (.env, line 3): "loud" is not one of debug, info`},
		"a default that is wrong":    {&template.Error{Line: 18, Path: "Parameters.Stage", Reason: "is no text"}, "template.yaml: line 18: Parameters.Stage: is no text"},
		"another place":              {&template.Error{Line: 19, Path: "Resources.LogLevel", Reason: "is odd"}, "template.yaml: line 19: Resources.LogLevel: is odd"},
		"an error of the whole file": {errors.New("no YAML"), "template.yaml: no YAML"},
	} {
		if got := s.blame(c.err).Error(); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestSnake(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Stage": "STAGE", "NotionApiUrl": "NOTION_API_URL", "NotionPartnersDatabaseId": "NOTION_PARTNERS_DATABASE_ID", "RealTimeSync": "REAL_TIME_SYNC", "SupabaseURL": "SUPABASE_URL",
	} {
		if got := snake(name); got != want {
			t.Errorf("%s is %s", name, got)
		}
	}
}

func TestOverlay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		object string
		given  given
		want   string
	}{
		"nothing to lay over": {`not even JSON`, given{}, `not even JSON`},
		"into an empty one":   {`{}`, given{values: map[string]string{"A": "1", "B": ""}}, `{"A":"1"}`},
		"what others put":     {`{"A":"old","THEIRS":"x","GONE":"y"}`, given{values: map[string]string{"A": "new", "GONE": ""}}, `{"A":"new","THEIRS":"x"}`},
		"what is missing":     {`{"A":"old"}`, given{values: map[string]string{"B": "given"}, settle: func(fields map[string]any) { fields["C"] = fields["A"] }}, `{"A":"old","B":"given","C":"old"}`},
	} {
		if got, err := overlay(c.object, c.given); err != nil || got != c.want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if _, err := overlay(`"secret"`, given{values: map[string]string{}}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}

// TestSealUnder: what is given seals for as long as it is given, and whatever is given in between, the system's own key comes back, and what
// the one before it sealed still opens.
func TestSealUnder(t *testing.T) {
	t.Parallel()
	key := func(b byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)) }
	own, given, other := key(1), key(2), key(3)
	type run struct{ given, keeps string }
	for name, c := range map[string]struct {
		before string // what the secret had in a version that kept no key of its own apart
		runs   []run
	}{
		"made up once":                    {"", []run{{"", own}, {"", own}}},
		"given by mistake, and taken out": {"", []run{{"", own}, {given, given + " " + own}, {given, given + " " + own}, {"", own + " " + given}, {"", own + " " + given}}},
		"given from the start":            {"", []run{{given, given + " " + own}, {"", own + " " + given}}},
		"two given":                       {"", []run{{"", own}, {given + " " + other, given + " " + other}, {"", own + " " + given}}},
		"one given after the other":       {"", []run{{"", own}, {given, given + " " + own}, {other, other + " " + own}, {"", own + " " + other}}},
		"kept by an earlier version":      {other, []run{{"", other}, {given, given + " " + other}, {"", other + " " + given}}},
		"given to an earlier version":     {given, []run{{given, given + " " + own}}},
		"what is kept is no key":          {"wrong", []run{{"", own}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fields := map[string]any{}
			if c.before != "" {
				fields[config.WebhookSealingKey] = c.before
			}
			for i, r := range c.runs {
				if sealUnder(fields, r.given, own); fields[config.WebhookSealingKey] != r.keeps {
					t.Errorf("run %d keeps %v, not %s", i, fields[config.WebhookSealingKey], r.keeps)
				}
			}
		})
	}
}

// TestExecute: each command that cannot be carried out says so in one line and gives 1.
func TestExecute(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("PGSERVICE", "another") // libpq's variables are of another database
	t.Setenv("PGCONNECT_TIMEOUT", "soon")
	for name, c := range map[string]struct {
		arguments []string
		environ   []string
		template  bool
		code      int
		stdout    string
		stderr    string
	}{
		"nothing to do":          {nil, nil, true, 1, "", "local: a command is missing. The commands are run, sync, sql, key, reset, schema, migrate, uninstall\n"},
		"help":                   {[]string{"help"}, nil, false, 0, usage(""), ""},
		"help for one command":   {[]string{"sync", "--help"}, nil, false, 0, usage("sync"), ""},
		"libpq's variables":      {[]string{"migrate"}, []string{"DATABASE_URL=postgres://me:hunter2@127.0.0.1:1/x"}, true, 1, "", "local: DATABASE_URL (in the environment) names 127.0.0.1:1, where no database listens. Start it, correct host and port, or remove DATABASE_URL to use a local database\n"},
		"two wrong values":       {[]string{"run"}, []string{"PORT=a", "CLOUD_PORT=b"}, true, 1, "", "local: PORT (in the environment) is \"a\". Write the number of a free port for the API, from 1024 to 65535, such as 4000\nlocal: CLOUD_PORT (in the environment) is \"b\". Write the number of a free port for the local cloud, from 1024 to 65535, such as 4002\n"},
		"another folder":         {[]string{"run"}, nil, false, 1, "", "local: there is no template.yaml here: change into the project's folder first\n"},
		"an unknown command":     {[]string{"walk"}, nil, true, 1, "", "local: there is no command \"walk\". The commands are run, sync, sql, key, reset, schema, migrate, uninstall\n"},
		"too much said":          {[]string{"run", "fast"}, nil, true, 1, "", "local: run takes no arguments\n"},
		"a template that is bad": {[]string{"run"}, []string{"PORT=0", "NOTION_SIM_PORT=0", "CLOUD_PORT=0"}, true, 1, "", "local: template.yaml: line 1: Oops: is not known to the local system\n"},
		"no database to migrate": {[]string{"migrate"}, nil, true, 1, "", "local: DATABASE_URL is not set. Set it to the database to migrate. The local system's own database is migrated by make run\n"},
		"no database's schema":   {[]string{"schema"}, nil, true, 1, "", "local: schema needs the id of a Notion database, and may have a name for its records: make schema DATABASE=<id> NAME=events\n"},
		"nobody's schema":        {[]string{"schema", "x"}, nil, true, 1, "", "local: the system is not running, and NOTION_TOKEN is not set. Start the system with make run, in another terminal, or set NOTION_TOKEN to read your own workspace\n"},
		"nobody's key":           {[]string{"key"}, nil, true, 1, "", "local: the system is not running, and DATABASE_URL is not set. Start it with make run, in another terminal, or set DATABASE_URL to the database that you mean\n"},
		"keys, walking":          {[]string{"key", "walk"}, nil, true, 1, "", "local: key has no command \"walk\", but create, list and revoke. To create a key for walk: make key DO=\"create walk read\"\n"},
		"an unknown scope":       {[]string{"key", "create", "me", "fly"}, nil, true, 1, "", "local: there is no scope \"fly\". The scopes are read, sync, events, config, data, admin\n"},
		"nothing to reset":       {[]string{"reset"}, nil, true, 0, "There is nothing to delete: the system has not run in this folder.\n", ""},
	} {
		os.Remove("template.yaml")
		if c.template {
			if err := os.WriteFile("template.yaml", []byte("Oops: 1\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var stdout, stderr strings.Builder
		if code := execute(c.arguments, c.environ, nil, &stdout, &stderr); code != c.code || stdout.String() != c.stdout || stderr.String() != c.stderr {
			t.Errorf("%s: %d %q %q", name, code, stdout.String(), stderr.String())
		}
		os.RemoveAll(".local")
	}
}
