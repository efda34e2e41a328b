package main

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/infra/local/dotenv"
	"github.com/act-platform/enhanced-integration/infra/local/template"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/secret/seal"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// check looks for what is wrong with the settings before anything is started. Each error names the variable, where it is set, what was found
// (unless it is a secret) and what to write instead. It also reads the ports, and takes a Notion database's id out of its address.
func (s *settings) check(source []byte, file []dotenv.Variable) error {
	s.takeDatabaseIDs()
	parameters, wrong := template.Parameters(source, func(name string) (string, bool) {
		value, ok := s.values[snake(name)]
		return value, ok
	})
	errs := s.checkNames(file, parameters)
	rules := rules()
	for _, parameter := range parameters {
		name := snake(parameter)
		if e := wrong[parameter]; e != nil {
			_, says, _ := strings.Cut(e.Reason, `" `) // behind the quoted value
			errs = append(errs, s.refuse(name, cmp.Or(rules[name].write, "The value "+says)))
			delete(rules, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		if r := rules[name]; r.fits != nil && s.values[name] != "" && !r.fits(s.values[name]) {
			errs = append(errs, s.refuse(name, r.write))
		}
	}
	errs = append(errs, s.checkPorts()...)
	errs = append(errs, s.checkAddress(config.DatabaseURL), s.checkAddress(config.MigrationDatabaseURL), s.checkSealingKey(), s.checkNotion(), s.checkSupabase())
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return s.checkAsFunctions()
}

// rule says what a variable may be set to, where that is more than its parameter's pattern in template.yaml says.
type rule struct {
	write string            // what to write instead
	fits  func(string) bool // nil: what the template says is enough
}

func rules() map[string]rule {
	oneOf := func(values ...string) func(string) bool {
		return func(value string) bool { return slices.Contains(values, value) }
	}
	all := map[string]rule{
		"LOG_LEVEL":                   {write: "Write debug, info, warn or error"},
		"LOG_FORMAT":                  {"Write json, or remove the variable for readable lines", oneOf("json", "text")},
		"NOTION_PLAN":                 {write: "Write standard for Notion's Free and Plus plans, or business for Business and Enterprise"},
		"NOTION_API_URL":              {write: "Write an address without a path, such as https://api.notion.com"},
		"NOTION_OAUTH_CLIENT_ID":      {write: "Write the OAuth client ID that the integration's settings show"},
		"NOTION_OAUTH_REDIRECT_URI":   {write: "Write the callback's address, such as http://localhost:4000/api/enhanced-integration/oauth/notion/callback"},
		"SYNC_DELETE_LIMIT":           {write: "Write a number of records from 0 to 1000000", fits: isWhole},
		"SYNC_DELETE_PERCENT":         {write: "Write a whole number from 0 to 100, without a percent sign", fits: isWhole},
		"SYNC_WORKER_TIMEOUT":         {write: "Write a whole number of seconds from 10 to 120", fits: isWhole},
		"CALLER_LIMIT":                {write: "Write a whole number of requests in a minute, from 1 to 100000", fits: isWhole},
		"EVENT_RETENTION_DAYS":        {write: "Write a whole number of days from 1 to 3650", fits: isWhole},
		"REAL_TIME_SYNC":              {write: "Write true or false"},
		"WEBHOOK_LOOPBACK":            {write: "Write true or false"},
		"WEBHOOK_RETRIES":             {write: "Write the waits between attempts, such as 5s 5m 30m 2h"},
		"CORS_ORIGINS":                {write: "Write origins, separated by commas and without a path or a slash at the end: https://app.example.org,http://localhost:3000"},
		"SUPABASE_URL":                {"Write the project's address without a path: https://your-project.supabase.co", isWebAddress},
		"OTEL_EXPORTER_OTLP_ENDPOINT": {write: "Write the collector's address, such as http://localhost:4318"},
		"OTEL_EXPORTER_OTLP_HEADERS":  {"Write name=value, several separated by commas: api-key=your_collectors_key", areHeaders},
		"OTEL_SERVICE_NAME":           {write: "Write a name of up to 64 characters without spaces"},
		"OTEL_TRACES_SAMPLER":         {write: "Write always_on, always_off or traceidratio, or one of these with parentbased_ before it"},
		"OTEL_TRACES_SAMPLER_ARG":     {write: "Write the share of traces to record, from 0 to 1, such as 0.1"},
		config.NotionToken:            {"A Notion token begins with ntn_ (or secret_, if it is an old one). Copy it from the integration's Configuration tab at https://www.notion.so/profile/integrations", isNotionToken},
		config.DatabaseCA:             {`Write the certificate itself: "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n"`, isCertificate},
		config.SupabaseServiceRoleKey: {"Copy the service_role key (a JWT that begins with eyJ) or a secret key (sb_secret_…) from the project's API settings", isSupabaseKey},
	}
	for _, name := range []string{"SYNC_SCHEDULE", "RECONCILE_SCHEDULE", "AUDIT_SCHEDULE"} {
		all[name] = rule{write: "Write an EventBridge schedule: rate(5 minutes) or cron(17 3 * * ? *)"}
	}
	for _, kind := range mapping.ACT().Kinds {
		all[kind.DatabaseIDVariable] = rule{"Write the id of a Notion database, 32 hexadecimal digits, or paste the address of the database (••• → Copy link)", isDatabaseID}
	}
	return all
}

func isWhole(text string) bool { _, err := strconv.Atoi(text); return err == nil }

func isWebAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Hostname() != "" && (u.Scheme == "https" || u.Scheme == "http")
}

func areHeaders(text string) bool {
	for header := range strings.SplitSeq(text, ",") {
		if name, _, ok := strings.Cut(header, "="); !ok || strings.TrimSpace(name) == "" {
			return false
		}
	}
	return true
}

func isNotionToken(text string) bool {
	return (strings.HasPrefix(text, "ntn_") || strings.HasPrefix(text, "secret_")) && !strings.ContainsAny(text, " \t\"'") && text != "ntn_your_integration_token"
}

func isCertificate(text string) bool { return x509.NewCertPool().AppendCertsFromPEM([]byte(text)) }

func isSupabaseKey(text string) bool {
	return strings.HasPrefix(text, "eyJ") || strings.HasPrefix(text, "sb_secret_")
}

var (
	plainID   = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)
	idAtEnd   = regexp.MustCompile(`(?:^|[/-])([0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})/?$`)
	notSecret = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)
)

func isDatabaseID(text string) bool { return plainID.MatchString(strings.ReplaceAll(text, "-", "")) }

// takeDatabaseIDs replaces the address of a Notion database, as "Copy link" gives it, with the id in it. What is behind ?v= is a view's.
func (s *settings) takeDatabaseIDs() {
	for _, kind := range mapping.ACT().Kinds {
		u, err := url.Parse(s.values[kind.DatabaseIDVariable])
		if err != nil || u.Host == "" {
			continue
		}
		if match := idAtEnd.FindStringSubmatch(u.Path); match != nil {
			s.values[kind.DatabaseIDVariable] = match[1]
		}
	}
}

// secrets returns the variables whose values must not be shown.
func secrets() []string { return append(config.Secrets(), config.DatabaseCA) }

// refuse says that a variable's value cannot be used, and what to write.
func (s settings) refuse(name, write string) error {
	found := fmt.Sprintf("is %q", s.values[name])
	if slices.Contains(secrets(), name) {
		found = fmt.Sprintf("cannot be used (%d characters; not shown, because it is a secret)", len(s.values[name]))
	}
	return fmt.Errorf("%s %s. %s", s.where(name), found, write)
}

// checkNames refuses a name in .env that looks like a misspelt one of ours, and warns of any other that is none of ours.
func (s *settings) checkNames(file []dotenv.Variable, parameters []string) (errs []error) {
	known := append(secrets(), "PORT", "NOTION_SIM_PORT", "CLOUD_PORT", "LOG_FORMAT", "NO_COLOR",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy",
		"API_URL", "API_KEY", "NOTION_URL", "NOTION_PERSON_TOKEN", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION")
	for _, parameter := range parameters {
		known = append(known, snake(parameter))
	}
	if len(parameters) == 0 { // a template that cannot be read, which is told of later
		return nil
	}
	elsewhere := map[string]string{
		"NOTION_API_KEY": config.NotionToken, "NOTION_KEY": config.NotionToken, "NOTION_SECRET": config.NotionToken, "NOTION_API_TOKEN": config.NotionToken,
		"POSTGRES_URL": config.DatabaseURL, "SUPABASE_DB_URL": config.DatabaseURL, "PGDATABASE": config.DatabaseURL, "SUPABASE_KEY": config.SupabaseServiceRoleKey,
	}
	for _, v := range file {
		if slices.Contains(known, v.Name) {
			continue
		}
		nearest, distance := "", 3
		for _, name := range known {
			if d := edits(strings.ToUpper(v.Name), name); d < distance {
				nearest, distance = name, d
			}
		}
		place := fmt.Sprintf("%s (.env, line %d)", v.Name, v.Line)
		switch {
		case nearest != "" && len(v.Name) >= 8:
			errs = append(errs, fmt.Errorf("%s is not a variable of this system. Did you mean %s?", place, nearest))
		case nearest != "" || elsewhere[v.Name] != "":
			s.warnings = append(s.warnings, fmt.Sprintf("%s is not a variable of this system and is ignored. Did you mean %s?", place, cmp.Or(elsewhere[v.Name], nearest)))
		default:
			s.warnings = append(s.warnings, place+" is not a variable of this system and is ignored. docs/CONFIGURATION.md lists them")
		}
	}
	return errs
}

// edits returns how many letters must be added, removed, replaced or swapped with the next one to make b of a.
func edits(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := last[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(replace, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// checkPorts reads the ports, and refuses two that are the same. Port 0 is any free one.
func (s *settings) checkPorts() (errs []error) {
	type port struct {
		into   *int
		name   string
		normal int
		of     string
	}
	all := []port{{&s.ports.api, "PORT", 4000, "the API"}, {&s.ports.cloud, "CLOUD_PORT", 4002, "the local cloud"}}
	if simulated := (port{&s.ports.notion, "NOTION_SIM_PORT", 4001, "the Notion simulator"}); s.realNotion() {
		*simulated.into = simulated.normal
	} else {
		all = append(all, simulated)
	}
	for _, p := range all {
		*p.into = p.normal
		given := s.values[p.name]
		if given == "" {
			continue
		}
		number, err := strconv.Atoi(given)
		if err != nil || number < 0 || number > 65535 {
			errs = append(errs, s.refuse(p.name, fmt.Sprintf("Write the number of a free port for %s, from 1024 to 65535, such as %d", p.of, p.normal)))
			continue
		}
		*p.into = number
	}
	for i, p := range all {
		for _, other := range all[:i] {
			if *p.into != 0 && *p.into == *other.into {
				errs = append(errs, fmt.Errorf("%s and %s are both %d. %s and %s each need a port of their own", s.where(other.name), s.where(p.name), *p.into, upperFirst(other.of), p.of))
			}
		}
	}
	return errs
}

// checkAddress refuses a database's address that is none of Postgres. No part of it is shown but its scheme.
func (s settings) checkAddress(name string) error {
	const write = "Write postgres://user:password@host:5432/database" //nolint:gosec // an example
	address := s.values[name]
	scheme, _, isURL := strings.Cut(address, "://")
	switch {
	case address == "":
		return nil
	case isURL && (scheme == "https" || scheme == "http"):
		return fmt.Errorf("%s is a web address. Write the database's own address, postgres://user:password@host:5432/database. Supabase shows it under Connect", s.where(name))
	case isURL && scheme != "postgres" && scheme != "postgresql" && notSecret.MatchString(scheme):
		return fmt.Errorf("%s begins with %s://. This system needs a Postgres database. %s", s.where(name), scheme, write)
	case strings.Contains(strings.ToUpper(address), "[YOUR-PASSWORD]"):
		return fmt.Errorf("%s still has [YOUR-PASSWORD] in it. Replace it, with the brackets, with the database's password", s.where(name))
	}
	if _, err := pgx.ParseConfig(address); err != nil { // which might show the password
		return fmt.Errorf("%s is not the address of a Postgres database. %s. Special characters of the password must be percent-encoded: @ is %%40, / is %%2F, # is %%23", s.where(name), write)
	}
	return nil
}

func (s settings) checkSealingKey() error {
	name := config.WebhookSealingKey
	if _, err := seal.ParseRing(secret.Of(s.values[name])); err != nil {
		return s.refuse(name, "Write a key of 32 bytes in base64, as openssl rand -base64 32 prints it, or remove the variable: the system then makes one up and keeps it")
	}
	return nil
}

// checkNotion sees to it that a workspace's token and its databases come together: else the simulator's content would be synced in their place.
func (s settings) checkNotion() error {
	var names []string
	for _, kind := range mapping.ACT().Kinds {
		set := s.values[kind.DatabaseIDVariable] != ""
		if set && !s.realNotion() {
			return fmt.Errorf("%s is set and NOTION_TOKEN is not. Set NOTION_TOKEN to the integration's token, or remove the database ids to use the simulated workspace", s.where(kind.DatabaseIDVariable))
		}
		if set {
			return nil
		}
		names = append(names, kind.DatabaseIDVariable)
	}
	if !s.realNotion() {
		return nil
	}
	name := config.NotionToken
	if s.values[name] == "" {
		name = "NOTION_OAUTH_CLIENT_ID"
	}
	return fmt.Errorf("%s is set and no database id is. Set at least one of %s, or remove %s to use the simulated workspace", s.where(name), strings.Join(names, ", "), name)
}

// checkSupabase sees to it that a project's address comes with its database: the system's own would be synced in its place, and be told of as
// Supabase. A stand-in on this machine has none.
func (s settings) checkSupabase() error {
	const name = "SUPABASE_URL"
	if !isWebAddress(s.values[name]) || s.values[config.DatabaseURL] != "" {
		return nil // what is no address is refused by its rule
	}
	u, err := url.Parse(s.values[name])
	if err != nil {
		return nil //nolint:nilerr // as above
	}
	ip := net.ParseIP(u.Hostname())
	if !s.realNotion() && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("%s is %s, and DATABASE_URL is not set. Set DATABASE_URL to that project's database (in Supabase: Connect, Transaction pooler), or remove SUPABASE_URL to use a local database",
		s.where(name), u.Hostname())
}

// checkAsFunctions refuses what the functions would refuse when they start.
func (s settings) checkAsFunctions() error {
	_, err := config.Load(func(name string) string {
		if name == "APP_SECRET_ARN" {
			return "set"
		}
		return s.values[name]
	})
	if err == nil {
		return nil
	}
	reasons := strings.TrimPrefix(fault.Message(err), "The function is not set up: ")
	var errs []error
	for reason := range strings.SplitSeq(strings.TrimSuffix(reasons, "."), "; ") {
		name, says, _ := strings.Cut(reason, " ")
		errs = append(errs, s.refuse(name, cmp.Or(rules()[name].write, "The value "+says)))
	}
	return errors.Join(errs...)
}

// cause returns the last cause of an error of the system, which says what happened without a path: "permission denied".
func cause(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err
}

func upperFirst(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
