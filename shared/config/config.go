// Package config reads a function's settings from its environment. Secrets are not among them: the environment holds only the name
// of the secret.
package config

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/mapping"
)

// DefaultConnection is the id of the connection that is there from the start.
const DefaultConnection = "00000000-0000-0000-0000-000000000001"

// Config is what a function is set to.
type Config struct {
	Stage               string
	LogLevel            slog.Level
	AppSecretARN        string
	SyncQueueURL        string
	ConsistencyQueueURL string
	DeadLetterQueueURLs []string
	SupabaseURL         string
	RealTimeSync        bool
	SyncSchedule        string
	NotionAPIURL        string
	NotionBudget        int // requests in 60 s
	// DeleteLimit and DeleteShare are how many deletions a run may make unasked: no more than that number, and no more than that
	// share of the database.
	DeleteLimit int
	DeleteShare float64
	Mapping     mapping.Mapping
	DatabaseIDs map[string]string // Notion databases by kind
}

// The secrets of the app secret, by name.
const (
	DatabaseURL             = "DATABASE_URL"
	MigrationDatabaseURL    = "MIGRATION_DATABASE_URL"
	NotionToken             = "NOTION_TOKEN"
	SupabaseServiceRoleKey  = "SUPABASE_SERVICE_ROLE_KEY"
	NotionOAuthClientSecret = "NOTION_OAUTH_CLIENT_SECRET" //nolint:gosec // the name of a secret, not a secret
)

var databaseID = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)

// Load reads the environment through getenv. The error is fault.Unavailable and names every variable that is wrong, and what it should be.
func Load(getenv func(string) string) (Config, error) {
	var wrong []string
	fail := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	cfg := Config{
		Stage:               getenv("STAGE"),
		AppSecretARN:        getenv("APP_SECRET_ARN"),
		SyncQueueURL:        getenv("SYNC_QUEUE_URL"),
		ConsistencyQueueURL: getenv("CONSISTENCY_QUEUE_URL"),
		SupabaseURL:         getenv("SUPABASE_URL"),
		SyncSchedule:        getenv("SYNC_SCHEDULE"),
		NotionAPIURL:        getenv("NOTION_API_URL"),
		Mapping:             mapping.ACT(),
		DeadLetterQueueURLs: strings.FieldsFunc(getenv("DEAD_LETTER_QUEUE_URLS"), func(r rune) bool { return r == ',' }),
		DatabaseIDs:         map[string]string{},
	}
	if cfg.AppSecretARN == "" {
		fail("APP_SECRET_ARN must name the secret that holds DATABASE_URL and NOTION_TOKEN")
	}
	if level := getenv("LOG_LEVEL"); level != "" && cfg.LogLevel.UnmarshalText([]byte(level)) != nil {
		fail("LOG_LEVEL must be debug, info, warn or error")
	}
	switch getenv("REAL_TIME_SYNC") {
	case "true":
		cfg.RealTimeSync = true
	case "", "false":
	default:
		fail("REAL_TIME_SYNC must be true or false")
	}
	switch getenv("NOTION_PLAN") {
	case "", "standard":
		cfg.NotionBudget = 180
	case "business":
		cfg.NotionBudget = 600
	default:
		fail("NOTION_PLAN must be standard or business")
	}
	var err error
	if cfg.DeleteLimit, err = strconv.Atoi(cmp.Or(getenv("SYNC_DELETE_LIMIT"), "20")); err != nil || cfg.DeleteLimit < 0 {
		fail("SYNC_DELETE_LIMIT must be a whole number, 0 or more")
	}
	percent, err := strconv.Atoi(cmp.Or(getenv("SYNC_DELETE_PERCENT"), "10"))
	if cfg.DeleteShare = float64(percent) / 100; err != nil || percent < 0 || percent > 100 {
		fail("SYNC_DELETE_PERCENT must be a whole number from 0 to 100")
	}
	if u, err := url.Parse(cfg.NotionAPIURL); cfg.NotionAPIURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		fail("NOTION_API_URL must be an address such as https://api.notion.com")
	}
	for _, k := range cfg.Mapping.Kinds {
		id := getenv(k.DatabaseIDVariable)
		if id != "" && !databaseID.MatchString(strings.ReplaceAll(id, "-", "")) {
			fail("%s must be a Notion database's id, 32 hexadecimal digits, with or without dashes", k.DatabaseIDVariable)
		}
		cfg.DatabaseIDs[k.Name] = id
	}
	if len(wrong) > 0 {
		return Config{}, fault.New(fault.Unavailable, "The function is not set up: %s.", strings.Join(wrong, "; "))
	}
	return cfg, nil
}
