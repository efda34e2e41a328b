package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
)

// region is the one that everything is in. It is none of AWS's: in those that it knows, the aws command line (1.x) takes no endpoint for
// SQS from the environment.
const region = "us-local-1"

// startNotion starts the simulator, unless the system works on a real workspace, and gives the values that go with either.
func (s *system) startNotion(ctx context.Context, apiURL string, ended chan<- error) (values, error) {
	v := values{
		apiURL: apiURL, databases: map[string]string{},
		webhookSecret: cmp.Or(s.settings.values[config.SupabaseWebhookSecret], rand.Text()),
	}
	if s.settings.realNotion() {
		v.notionURL = s.settings.notionAPI()
		v.notionToken = s.settings.values[config.NotionToken]
		for _, kind := range mapping.ACT().Kinds {
			v.databases[kind.DatabaseIDVariable] = s.settings.values[kind.DatabaseIDVariable]
		}
		return v, nil
	}
	listener, err := s.listen(ctx, s.settings.ports.notion, "NOTION_SIM_PORT")
	if err != nil {
		return v, err
	}
	v.oauth = notionsim.OAuthClient()
	v.oauth.RedirectURIs = []string{apiURL + "/api/enhanced-integration/oauth/notion/callback"}
	sim, err := notionsim.New(notionsim.Config{Path: s.settings.kept(notionFile), Demo: true, OAuth: v.oauth, Logger: s.log}) //nolint:contextcheck // it has a life of its own, which stop ends
	if err != nil {
		return v, fmt.Errorf("the simulated Notion workspace cannot be opened (make reset deletes it): %w", err)
	}
	s.onStop(func() { s.report("close the Notion simulator", sim.Close()) })
	if s.settings.values["NOTION_PLAN"] == "business" {
		if err := sim.SetOptions(func(o *notionsim.Options) { o.Budget = 600 }); err != nil {
			return v, err
		}
	}
	s.serve(listener, sim, ended)
	v.sim, v.notionURL = sim, "http://"+listener.Addr().String()
	v.notionToken, v.personToken = notionsim.IntegrationToken, notionsim.PersonToken
	for _, kind := range mapping.ACT().Kinds {
		v.databases[kind.DatabaseIDVariable] = sim.Databases()[kind.Name]
	}
	return v, nil
}

func (s *system) startCloud(listener net.Listener, url string, ended chan<- error) error {
	c, err := cloud.Open(cloud.Config{Path: s.settings.kept(cloudFile), Region: region, BaseURL: url, Log: s.log})
	if err != nil {
		return fmt.Errorf("the local queues and secrets cannot be opened (make reset deletes them): %w", err)
	}
	s.serve(listener, c, ended)
	s.onStop(func() { s.report("close the local cloud", c.Close()) })
	return nil
}
