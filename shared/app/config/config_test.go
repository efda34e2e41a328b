package config_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

func env(pairs ...string) func(string) string {
	m := map[string]string{"APP_SECRET_ARN": "arn"}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return m[name] }
}

func TestLoad(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load(env("LOG_LEVEL", "debug", "REAL_TIME_SYNC", "true", "NOTION_PLAN", "business",
		"NOTION_API_URL", "http://127.0.0.1:4001", "NOTION_PARTNERS_DATABASE_ID", "27c974f3-b388-81e0-9676-eac0e4e6ae29"))
	if err != nil || cfg.LogLevel != slog.LevelDebug || !cfg.RealTimeSync || cfg.NotionBudget != 600 || cfg.DatabaseIDs["partners"] == "" {
		t.Errorf("%+v, %v", cfg, err)
	}
	if cfg, err := config.Load(env()); err != nil || cfg.NotionBudget != 180 || cfg.RealTimeSync || cfg.LogLevel != slog.LevelInfo {
		t.Errorf("as it comes: %+v, %v", cfg, err)
	}
	cfg, err = config.Load(env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318", "OTEL_SERVICE_NAME", "ours", "OTEL_TRACES_SAMPLER", "always_off"))
	if err != nil || cfg.Tracing.Endpoint != "http://127.0.0.1:4318" || cfg.Tracing.Service != "ours" || cfg.Tracing.Sampler(trace.ID{}, true, true) {
		t.Errorf("tracing: %+v, %v", cfg.Tracing, err)
	}
	for name, c := range map[string]struct{ variable, value, says string }{
		"no secret":          {"APP_SECRET_ARN", "", "APP_SECRET_ARN must name"},
		"an unknown level":   {"LOG_LEVEL", "loud", "LOG_LEVEL must be"},
		"neither yes nor no": {"REAL_TIME_SYNC", "yes", "REAL_TIME_SYNC must be true or false"},
		"an unknown plan":    {"NOTION_PLAN", "free", "NOTION_PLAN must be"},
		"no address":         {"NOTION_API_URL", "ftp://x", "NOTION_API_URL must be"},
		"no limit":           {"CALLER_LIMIT", "0", "CALLER_LIMIT must be"},
		"nowhere to return":  {"NOTION_OAUTH_REDIRECT_URI", "/callback", "NOTION_OAUTH_REDIRECT_URI must be"},
		"no collector":       {"OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", "OTEL_EXPORTER_OTLP_ENDPOINT must be"},
		"an unknown sampler": {"OTEL_TRACES_SAMPLER", "some", "OTEL_TRACES_SAMPLER must be"},
		"a share of more":    {"OTEL_TRACES_SAMPLER_ARG", "10", "OTEL_TRACES_SAMPLER_ARG a share"},
		"no id":              {"NOTION_PROJECTS_DATABASE_ID", "your_projects_db_id", "NOTION_PROJECTS_DATABASE_ID must be"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(env(c.variable, c.value))
			if fault.KindOf(err) != fault.Unavailable || !strings.Contains(fault.Message(err), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
	_, err = config.Load(env("LOG_LEVEL", "loud", "NOTION_PLAN", "free"))
	if err == nil || !strings.Contains(err.Error(), "LOG_LEVEL") || !strings.Contains(err.Error(), "NOTION_PLAN") {
		t.Errorf("not everything that is wrong is told: %v", err)
	}
}
