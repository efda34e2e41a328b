package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/local/dotenv"
	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/oauth"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// values is what a running system has that others may want to know.
type values struct {
	apiURL, apiKey           string
	databaseURL              string
	cloudURL                 string
	notionURL                string
	notionToken, personToken string
	databases                map[string]string // Notion databases' ids by variable
	oauth                    oauth.Client      // the simulator's application; empty with a real workspace
	sim                      *notionsim.Sim    // nil: the workspace is a real one
	webhookSecret            string            // of the database's webhooks
}

// announce writes .local/env, which is there as long as the system runs, and tells how to use it.
func (s *system) announce(v values) error {
	variables := []dotenv.Variable{
		{Name: "API_URL", Value: v.apiURL},
		{Name: "API_KEY", Value: v.apiKey},
		{Name: config.DatabaseURL, Value: v.databaseURL},
		{Name: "NOTION_URL", Value: v.notionURL},
		{Name: config.NotionToken, Value: v.notionToken},
		{Name: "NOTION_PERSON_TOKEN", Value: v.personToken},
	}
	for _, kind := range mapping.ACT().Kinds {
		variables = append(variables, dotenv.Variable{Name: kind.DatabaseIDVariable, Value: v.databases[kind.DatabaseIDVariable]})
	}
	variables = append(variables,
		dotenv.Variable{Name: "AWS_ENDPOINT_URL", Value: v.cloudURL},
		dotenv.Variable{Name: "AWS_ACCESS_KEY_ID", Value: "local"},
		dotenv.Variable{Name: "AWS_SECRET_ACCESS_KEY", Value: "local"},
		dotenv.Variable{Name: "AWS_REGION", Value: region},
		dotenv.Variable{Name: "AWS_DEFAULT_REGION", Value: region})
	path := s.settings.kept(envFile)
	if err := dotenv.Write(path, variables); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	s.onStop(func() { _ = os.Remove(path) })
	if s.settings.values["LOG_FORMAT"] == "json" {
		s.log.Info("ready", "api_url", v.apiURL, "notion_url", v.notionURL, "cloud_url", v.cloudURL)
		return nil
	}
	s.console.Print(s.banner(v))
	return nil
}

func (s *system) banner(v values) string {
	notion, database := v.notionURL+"  (a simulated workspace)", v.databaseURL
	if v.sim == nil {
		notion = "the workspace of your settings"
	}
	if s.settings.values[config.DatabaseURL] != "" {
		database = "the database of " + s.settings.where(config.DatabaseURL)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "\nThe system is running. Ctrl-C stops it.\n\n")
	for _, line := range [][2]string{
		{"Dashboard", v.apiURL + apiPath + "/dashboard"},
		{"API key", v.apiKey + "  (sign in with it)"},
		{"API", v.apiURL + apiPath},
		{"Notion", notion},
		{"Postgres", database},
		{"AWS", v.cloudURL + "  (local SQS and Secrets Manager)"},
	} {
		fmt.Fprintf(&text, "  %-10s %s\n", line[0], line[1])
	}
	fmt.Fprintf(&text, "\nIn another terminal, in this folder:\n\n"+
		"  %-36s start a sync and show its progress\n"+
		"  %-36s look at the database\n"+
		"  %-36s put these addresses and the key into your shell\n\n",
		"make sync", `make sql Q="select * from partners"`, "source "+s.settings.kept(envFile))
	return text.String()
}
