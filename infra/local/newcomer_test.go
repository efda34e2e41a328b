package main

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/app/config"
)

// newcomer makes a project of the real template and a .env.
func newcomer(t *testing.T, env string) (root, state string) {
	t.Helper()
	root, state = project(t, env)
	source, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "template.yaml"), source, 0o600); err != nil {
		t.Fatal(err)
	}
	return root, state
}

// TestNewcomer: what a newcomer may set wrongly is refused before anything starts, in one message that names the variable, where it is set, what
// was found and what to write. No secret is shown.
func TestNewcomer(t *testing.T) {
	t.Parallel()
	const token = "NOTION_TOKEN=ntn_hunter2\n"
	for name, c := range map[string]struct {
		env     string
		environ []string
		want    string
	}{
		"a log level":                {"LOG_LEVEL=loud", nil, `LOG_LEVEL (.env, line 1) is "loud". Write debug, info, warn or error`},
		"the same in the shell":      {"LOG_LEVEL=info", []string{"LOG_LEVEL=loud"}, `LOG_LEVEL (in the environment) is "loud". Write debug, info, warn or error`},
		"a token that is none":       {"NOTION_TOKEN=hunter2\nNOTION_PARTNERS_DATABASE_ID=" + anID, nil, "NOTION_TOKEN (.env, line 1) cannot be used (7 characters; not shown, because it is a secret). A Notion token begins with ntn_"},
		"an id without a token":      {"\nNOTION_PARTNERS_DATABASE_ID=" + anID, nil, "NOTION_PARTNERS_DATABASE_ID (.env, line 2) is set and NOTION_TOKEN is not. Set NOTION_TOKEN"},
		"a token without an id":      {token, nil, "NOTION_TOKEN (.env, line 1) is set and no database id is. Set at least one of NOTION_PARTNERS_DATABASE_ID, "},
		"an id that is none":         {token + "NOTION_PARTNERS_DATABASE_ID=partners", nil, `NOTION_PARTNERS_DATABASE_ID (.env, line 2) is "partners". Write the id of a Notion database, 32 hexadecimal digits, or paste the address`},
		"an address without an id":   {token + "NOTION_PARTNERS_DATABASE_ID=https://www.notion.so/acme/Partners?v=" + anID, nil, `is "https://www.notion.so/acme/Partners?v=` + anID + `". Write the id`},
		"a misspelt name":            {"# mine\nDATABSE_URL=postgres://me:hunter2@h/x", nil, "DATABSE_URL (.env, line 2) is not a variable of this system. Did you mean DATABASE_URL?"},
		"two letters swapped":        {"NOTION_TOEKN=ntn_hunter2", nil, "Did you mean NOTION_TOKEN?"},
		"a name in small letters":    {"log_level=debug", nil, "log_level (.env, line 1) is not a variable of this system. Did you mean LOG_LEVEL?"},
		"two ports that are one":     {"PORT=4001", nil, "PORT (.env, line 1) and NOTION_SIM_PORT are both 4001. The API and the Notion simulator each need a port of their own"},
		"another two":                {"PORT=4100\nCLOUD_PORT=4100", nil, "PORT (.env, line 1) and CLOUD_PORT (.env, line 2) are both 4100."},
		"a port out of range":        {"PORT=70000", nil, `PORT (.env, line 1) is "70000". Write the number of a free port for the API, from 1024 to 65535`},
		"more than all":              {"SYNC_DELETE_PERCENT=110", nil, `SYNC_DELETE_PERCENT (.env, line 1) is "110". Write a whole number from 0 to 100, without a percent sign`},
		"a percent sign":             {"SYNC_DELETE_PERCENT=10%", nil, `is "10%". Write a whole number from 0 to 100`},
		"half a percent":             {"SYNC_DELETE_PERCENT=0.5", nil, `is "0.5". Write a whole number from 0 to 100`},
		"another database's scheme":  {"DATABASE_URL=mysql://me:hunter2@h/x", nil, "DATABASE_URL (.env, line 1) begins with mysql://. This system needs a Postgres database. Write postgres://user:password@host:5432/database"},
		"the project's web address":  {"DATABASE_URL=https://abcd.supabase.co", nil, "DATABASE_URL (.env, line 1) is a web address. Write the database's own address"},
		"Supabase's placeholder":     {"DATABASE_URL=postgresql://postgres:[YOUR-PASSWORD]@db.abcd.supabase.co:5432/postgres", nil, "still has [YOUR-PASSWORD] in it. Replace it"},
		"a password unescaped":       {"DATABASE_URL=postgres://me:hunter2/x@h:5432/x", nil, "Special characters of the password must be percent-encoded"},
		"the migrations' address":    {"MIGRATION_DATABASE_URL=h", nil, "MIGRATION_DATABASE_URL (.env, line 1) is not the address of a Postgres database"},
		"a plan that is none":        {"NOTION_PLAN=free", nil, `NOTION_PLAN (.env, line 1) is "free". Write standard for Notion's Free and Plus plans, or business`},
		"an origin with a path":      {"CORS_ORIGINS=https://a.example/app", nil, `CORS_ORIGINS (.env, line 1) is "https://a.example/app". Write origins, separated by commas and without a path`},
		"waits that are none":        {"WEBHOOK_RETRIES=often", nil, `WEBHOOK_RETRIES (.env, line 1) is "often". Write the waits between attempts, such as 5s 5m 30m 2h`},
		"a collector without scheme": {"OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4318", nil, `is "localhost:4318". Write the collector's address, such as http://localhost:4318`},
		"a sampler that is none":     {"OTEL_TRACES_SAMPLER=sometimes", nil, `is "sometimes". Write always_on, always_off or traceidratio`},
		"a share that is none":       {"OTEL_TRACES_SAMPLER_ARG=50%", nil, `is "50%". Write the share of traces to record, from 0 to 1, such as 0.1`},
		"headers that are none":      {"OTEL_EXPORTER_OTLP_HEADERS=hunter2", nil, "OTEL_EXPORTER_OTLP_HEADERS (.env, line 1) cannot be used (7 characters; not shown, because it is a secret). Write name=value"},
		"a project, no database":     {"SUPABASE_URL=https://abcd.supabase.co", nil, "SUPABASE_URL (.env, line 1) is abcd.supabase.co, and DATABASE_URL is not set."},
		"a certificate's path":       {"DATABASE_CA=/etc/hunter2.pem", nil, `DATABASE_CA (.env, line 1) cannot be used (16 characters; not shown, because it is a secret). Write the certificate itself`},
		"a schedule that is none":    {"SYNC_SCHEDULE=5 minutes", nil, `is "5 minutes". Write an EventBridge schedule: rate(5 minutes)`},
		"a folder":                   {"", nil, ".env is a folder. Replace it by a file"},
		"a line that is none":        {"LOG_LEVEL hunter2", nil, ".env: line 1 is not NAME=value. Each line must be NAME=value, or begin with #"},
		"quotes, export and Windows": {"\ufeffexport LOG_LEVEL='loud'\r\n", nil, `LOG_LEVEL (.env, line 1) is "loud". Write debug`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, state := newcomer(t, c.env)
			if name == "a folder" {
				if err := os.Remove(filepath.Join(root, ".env")); err != nil {
					t.Fatal(err)
				}
				if err := os.Mkdir(filepath.Join(root, ".env"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			_, err := load(root, state, c.environ)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("the message is\n%v\nand %q is wanted in it", err, c.want)
			}
			if shown := err.Error(); strings.Contains(shown, "hunter2") || strings.Contains(shown, "template.yaml") {
				t.Errorf("a secret or the template is named: %s", shown)
			}
		})
	}
}

// TestAccepted: what looks odd and is not wrong is taken.
func TestAccepted(t *testing.T) {
	t.Parallel()
	dashed := "01234567-89ab-cdef-0123-456789abcdef"
	for name, c := range map[string]struct {
		env, variable, value string
		warning              string
	}{
		"the address of a database":      {"NOTION_TOKEN=ntn_x\nNOTION_PARTNERS_DATABASE_ID=https://www.notion.so/acme/Partners-" + anID + "?v=fedcba9876543210fedcba9876543210&pvs=4", "NOTION_PARTNERS_DATABASE_ID", anID, ""},
		"an address without a name":      {"NOTION_TOKEN=ntn_x\nNOTION_PARTNERS_DATABASE_ID=https://app.notion.com/" + anID, "NOTION_PARTNERS_DATABASE_ID", anID, ""},
		"an id with dashes":              {"NOTION_TOKEN=ntn_x\nNOTION_PARTNERS_DATABASE_ID=" + dashed, "NOTION_PARTNERS_DATABASE_ID", dashed, ""},
		"an old token":                   {"NOTION_TOKEN=secret_x\nNOTION_PARTNERS_DATABASE_ID=" + anID, "NOTION_TOKEN", "secret_x", ""},
		"a byte-order mark, and quotes":  {"\ufeffexport LOG_LEVEL=\"warn\"\r\n", "LOG_LEVEL", "warn", ""},
		"a name that is none of ours":    {"VITE_MODE=dev", "VITE_MODE", "dev", "VITE_MODE (.env, line 1) is not a variable of this system and is ignored. docs/CONFIGURATION.md lists them"},
		"another tool's name of a token": {"NOTION_API_KEY=ntn_x", "NOTION_API_KEY", "ntn_x", "is ignored. Did you mean NOTION_TOKEN?"},
		"a short name that is near":      {"POST=1", "POST", "1", "is ignored. Did you mean PORT?"},
		"any free ports":                 {"PORT=0\nNOTION_SIM_PORT=0\nCLOUD_PORT=0", "PORT", "0", ""},
		"the simulator's port, unused":   {"NOTION_TOKEN=ntn_x\nNOTION_PARTNERS_DATABASE_ID=" + anID + "\nPORT=4001", "PORT", "4001", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, state := newcomer(t, c.env)
			s, err := load(root, state, nil)
			if err != nil || s.values[c.variable] != c.value {
				t.Errorf("%s is %q, error %v", c.variable, s.values[c.variable], err)
			}
			if warnings := strings.Join(s.warnings, "\n"); warnings != c.warning && (c.warning == "" || !strings.Contains(warnings, c.warning)) {
				t.Errorf("warnings %q", warnings)
			}
		})
	}
}

// TestExampleIsAccepted: each variable of .env.example is one of ours, and its example can be used, but for secrets.
func TestExampleIsAccepted(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(example)) {
		commented, ok := strings.CutPrefix(line, "# ")
		name, _, isVariable := strings.Cut(commented, "=")
		if !ok || !isVariable || name != strings.ToUpper(name) || strings.Contains(name, " ") {
			continue
		}
		found++
		root, state := newcomer(t, commented)
		s, err := load(root, state, nil)
		if len(s.warnings) > 0 {
			t.Errorf("%s: %q", name, s.warnings)
		}
		if err != nil && !strings.Contains(commented, "your") && !strings.Contains(err.Error(), "DATABASE_CA") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if found < 25 {
		t.Errorf("only %d variables", found)
	}
}

// TestUnreachable: a database that cannot be used is told of with its variable, its address and the reason, once, without the password.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	server := startPostgresFor(t)
	at := strings.SplitN(strings.SplitN(server, "@", 2)[1], "/", 2)[0]
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	for name, c := range map[string]struct{ url, want string }{
		"nothing listens":     {"postgres://me:hunter2@127.0.0.1:1/x", "names 127.0.0.1:1, where no database listens. Start it, correct host and port, or remove DATABASE_URL"},
		"an unknown host":     {"postgres://me:hunter2@nowhere.invalid/x", "names the host nowhere.invalid, which is not known. Correct the host name"},
		"a wrong password":    {"postgres://act:hunter2@" + at + "/act", "names " + at + ", which does not let the user \"act\" in with this password"},
		"no such database":    {strings.Replace(server, "/act?", "/nothing?", 1), "names " + at + ", which has no database \"nothing\". Create it"},
		"a server that hangs": {"postgres://me:hunter2@" + silent.Addr().String() + "/x?connect_timeout=1", "did not answer within 10s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := settings{values: map[string]string{config.DatabaseURL: c.url}, from: map[string]string{config.DatabaseURL: ".env, line 1"}}
			err := s.reachDatabase(t.Context(), config.DatabaseURL)
			if err == nil || !strings.HasPrefix(err.Error(), "DATABASE_URL (.env, line 1) ") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the message is %v, and %q is wanted in it", err, c.want)
			}
		})
	}
}

func TestPoolerNeedsAnAddressForMigrations(t *testing.T) {
	t.Parallel()
	const pooler = "postgres://me:hunter2@aws-0-x.pooler.supabase.com:6543/postgres"
	for name, c := range map[string]struct{ database, migrations, want string }{
		"a transaction pooler":             {pooler, "", "DATABASE_URL is a transaction pooler (port 6543), which cannot run migrations. Also set MIGRATION_DATABASE_URL to the session pooler"},
		"a transaction pooler and another": {pooler, "postgres://me:hunter2@aws-0-x.pooler.supabase.com:5432/postgres", ""},
		"a session pooler":                 {"postgres://me:hunter2@aws-0-x.pooler.supabase.com:5432/postgres", "", ""},
	} {
		err := settings{values: map[string]string{config.DatabaseURL: c.database, config.MigrationDatabaseURL: c.migrations}}.checkPooler()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPortHolder(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if holder := portHolder(port); !strings.Contains(holder, "(process "+strconv.Itoa(os.Getpid())+", in ") {
		t.Errorf("port %d is held by %q", port, holder)
	}
	listener.Close()
	if holder := portHolder(port); strings.Contains(holder, strconv.Itoa(os.Getpid())) {
		t.Errorf("port %d is still held by %q", port, holder)
	}
}

// TestTokenIsAsked: a token that Notion does not know is refused before anything starts. Notion that does not answer is only warned of.
func TestTokenIsAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		answer string
		wants  string // "": the system starts
		warns  bool
	}{
		"a token that is known":    {200, `{"object":"user","id":"` + anID + `","type":"bot","bot":{}}`, "", false},
		"a token that is unknown":  {401, `{"object":"error","status":401,"code":"unauthorized","message":"API token is invalid."}`, "NOTION_TOKEN (.env, line 1) is refused by Notion (401). Copy the token again", false},
		"a token that may not ask": {403, `{"object":"error","status":403,"code":"restricted_resource","message":"No."}`, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			notion := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.answer)
			}))
			t.Cleanup(notion.Close)
			var log strings.Builder
			s := &system{log: slog.New(slog.NewTextHandler(&log, nil)), settings: settings{
				values: map[string]string{config.NotionToken: "ntn_hunter2", "NOTION_API_URL": notion.URL}, from: map[string]string{config.NotionToken: ".env, line 1"},
			}}
			err := s.reach(t.Context())
			if (err == nil) != (c.wants == "") || err != nil && !strings.HasPrefix(err.Error(), c.wants) {
				t.Errorf("error %v", err)
			}
			if strings.Contains(log.String(), "could not be checked") != c.warns || strings.Contains(log.String(), "hunter2") {
				t.Errorf("the log has %s", &log)
			}
		})
	}
}
