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

	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// DefaultConnection is the id of the connection that is there from the start.
const DefaultConnection = "00000000-0000-0000-0000-000000000001"

// Config is what a function is set to.
type Config struct {
	Stage        string
	LogLevel     slog.Level
	AppSecretARN string
	SyncQueueURL string
	// OutboxQueueURL is the queue that has the relay look, DeliveryQueueURL the one of endpoints with something due.
	OutboxQueueURL   string
	DeliveryQueueURL string
	// WebhookRetries are the waits between attempts to deliver.
	WebhookRetries delivery.Schedule
	// WebhookLoopback lets webhooks go to this machine: to develop against, never deployed.
	WebhookLoopback     bool
	EventDays           int // how long events are kept
	SupabaseURL         string
	ConsistencyQueueURL string
	DeadLetterQueueURLs []string
	RealTimeSync        bool
	SyncSchedule        string
	NotionAPIURL        string
	NotionBudget        int // requests in 60 s
	// DeleteLimit and DeleteShare are how many deletions a run may make unasked: no more than that number, and no more than that
	// share of the database.
	DeleteLimit int
	DeleteShare float64
	NotionOAuth NotionOAuth
	Tracing     Tracing
	CallerLimit int // requests of one caller in a minute
	Mapping     mapping.Mapping
	DatabaseIDs map[string]string // Notion databases by kind
}

// Tracing is where spans are sent; nowhere without an endpoint. What the collector is told beside is in the app secret.
type Tracing struct {
	Endpoint string // the collector's address for OTLP over HTTP
	Service  string // what the collector knows all functions as
	Sampler  trace.Sampler
}

// NotionOAuth is the application that workspaces are connected with. Its secret is in the app secret.
type NotionOAuth struct{ ClientID, RedirectURI string }

// Set reports whether it is set, as far as the environment goes.
func (o NotionOAuth) Set() bool { return o.ClientID != "" && o.RedirectURI != "" }

// The secrets of the app secret, by name.
const (
	DatabaseURL             = "DATABASE_URL"
	DatabaseCA              = "DATABASE_CA" // the certificate of the authority that signs the database's, PEM
	MigrationDatabaseURL    = "MIGRATION_DATABASE_URL"
	NotionToken             = "NOTION_TOKEN"
	SupabaseServiceRoleKey  = "SUPABASE_SERVICE_ROLE_KEY"
	SupabaseJWTSecret       = "SUPABASE_JWT_SECRET"        //nolint:gosec // the name of a secret, not a secret
	SupabaseWebhookSecret   = "SUPABASE_WEBHOOK_SECRET"    //nolint:gosec // the name of a secret, not a secret
	NotionOAuthClientSecret = "NOTION_OAUTH_CLIENT_SECRET" //nolint:gosec // the name of a secret, not a secret
	WebhookSealingKey       = "WEBHOOK_SEALING_KEY"        // what webhooks are signed with is sealed under it in the database
	TracingHeaders          = "OTEL_EXPORTER_OTLP_HEADERS" // what the collector is told with each request, its key perhaps
)

// Secrets returns the names of the app secret's secrets.
func Secrets() []string {
	return []string{
		DatabaseURL, MigrationDatabaseURL, NotionToken, SupabaseServiceRoleKey, SupabaseJWTSecret, SupabaseWebhookSecret, NotionOAuthClientSecret,
		WebhookSealingKey, TracingHeaders,
	}
}

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
		DeadLetterQueueURLs: strings.FieldsFunc(getenv("DEAD_LETTER_QUEUE_URLS"), func(r rune) bool { return r == ',' }),

		OutboxQueueURL:   getenv("OUTBOX_QUEUE_URL"),
		DeliveryQueueURL: getenv("DELIVERY_QUEUE_URL"),
		WebhookRetries:   delivery.UsualSchedule(),
		WebhookLoopback:  getenv("WEBHOOK_LOOPBACK") == "true",
		EventDays:        90,

		SupabaseURL:  strings.TrimSuffix(getenv("SUPABASE_URL"), "/"),
		SyncSchedule: getenv("SYNC_SCHEDULE"),
		NotionAPIURL: getenv("NOTION_API_URL"),
		NotionOAuth:  NotionOAuth{getenv("NOTION_OAUTH_CLIENT_ID"), getenv("NOTION_OAUTH_REDIRECT_URI")},
		Mapping:      mapping.ACT(),
		Tracing: Tracing{
			Endpoint: getenv("OTEL_EXPORTER_OTLP_ENDPOINT"), Service: cmp.Or(getenv("OTEL_SERVICE_NAME"), "enhanced-integration"),
		},
		DatabaseIDs: map[string]string{},
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
	if waits := strings.FieldsFunc(getenv("WEBHOOK_RETRIES"), func(r rune) bool { return r == ' ' || r == ',' }); len(waits) > 0 {
		var err error
		if cfg.WebhookRetries, err = delivery.ParseSchedule(waits); err != nil {
			fail("WEBHOOK_RETRIES must be waits such as 5s 5m 30m")
		}
	}
	if days := getenv("EVENT_RETENTION_DAYS"); days != "" {
		var err error
		if cfg.EventDays, err = strconv.Atoi(days); err != nil || cfg.EventDays < 1 {
			fail("EVENT_RETENTION_DAYS must be a number of days")
		}
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
	if cfg.CallerLimit, err = strconv.Atoi(cmp.Or(getenv("CALLER_LIMIT"), "600")); err != nil || cfg.CallerLimit < 1 {
		fail("CALLER_LIMIT must be how many requests one caller may send in a minute")
	}
	if !isAddress(cfg.NotionAPIURL) {
		fail("NOTION_API_URL must be an address such as https://api.notion.com")
	}
	if !isAddress(cfg.NotionOAuth.RedirectURI) {
		fail("NOTION_OAUTH_REDIRECT_URI must be the callback's address, which Notion knows: https://…/api/enhanced-integration/oauth/notion/callback")
	}
	if !isAddress(cfg.Tracing.Endpoint) {
		fail("OTEL_EXPORTER_OTLP_ENDPOINT must be the address of a collector that takes OTLP over HTTP, such as https://collector.example.org:4318")
	}
	var known bool
	if cfg.Tracing.Sampler, known = trace.ParseSampler(getenv("OTEL_TRACES_SAMPLER"), getenv("OTEL_TRACES_SAMPLER_ARG")); !known {
		fail("OTEL_TRACES_SAMPLER must be always_on, always_off, traceidratio, or one of these behind parentbased_, and OTEL_TRACES_SAMPLER_ARG a share from 0 to 1")
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

// isAddress reports whether text is an address on the web, or nothing.
func isAddress(text string) bool {
	u, err := url.Parse(text)
	return text == "" || err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}
