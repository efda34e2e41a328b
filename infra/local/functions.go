package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
	"github.com/act-platform/enhanced-integration/infra/local/eventsource"
	"github.com/act-platform/enhanced-integration/infra/local/gateway"
	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
	"github.com/act-platform/enhanced-integration/infra/local/receiver"
	"github.com/act-platform/enhanced-integration/infra/local/schedule"
	"github.com/act-platform/enhanced-integration/infra/local/template"
)

const (
	environments = 10               // of one function at once
	idle         = 10 * time.Minute // before an unused environment is ended
	requestTime  = 30 * time.Second // for an API's function to answer, as on AWS
	graceTime    = 5 * time.Second  // for what is under way when the system stops
)

// readTemplate reads template.yaml. A parameter has the value of the variable that is called as it is; what the local system knows
// better stands.
func (s *system) readTemplate(v values) (*template.Template, error) {
	source, err := os.ReadFile(s.settings.project("template.yaml"))
	if err != nil {
		return nil, err
	}
	tpl, err := template.Read(source, template.Config{
		Region: region, AccountID: cloud.Account, QueueEndpoint: v.cloudURL,
		Parameter: func(name string) (string, bool) {
			variable := snake(name)
			if id, ok := v.databases[variable]; ok {
				return id, true
			}
			if value, ok := v.simulation()[variable]; ok && v.sim != nil {
				return value, true
			}
			value, ok := s.settings.values[variable]
			if !ok && variable == "WEBHOOK_LOOPBACK" {
				return "true", true // the receiver is on this machine
			}
			return value, ok
		},
	})
	if err != nil {
		return nil, s.settings.blame(err)
	}
	if tpl.API == nil {
		return nil, errors.New("template.yaml: there is no AWS::Serverless::HttpApi")
	}
	return tpl, nil
}

// blame names the variable where a parameter of the template has a value that it may not have from one.
func (s settings) blame(err error) error {
	if wrong, ok := errors.AsType[*template.Error](err); ok {
		name, isParameter := strings.CutPrefix(wrong.Path, "Parameters.")
		if variable := snake(name); isParameter && s.values[variable] != "" {
			return fmt.Errorf("%s: %s", s.where(variable), wrong.Reason)
		}
	}
	return fmt.Errorf("template.yaml: %w", err)
}

// simulation returns the settings that go with the simulator.
func (v values) simulation() map[string]string {
	return map[string]string{
		"NOTION_API_URL": v.notionURL, "NOTION_OAUTH_CLIENT_ID": v.oauth.ID, "NOTION_OAUTH_REDIRECT_URI": strings.Join(v.oauth.RedirectURIs, " "),
	}
}

// build builds the functions for this machine.
func (s *system) build(ctx context.Context, functions []template.Function) error {
	folder, err := filepath.Abs(s.settings.kept(functionsDir))
	if err != nil {
		return err
	}
	packages := make([]string, len(functions))
	for i, f := range functions {
		packages[i] = "./functions/" + f.Name
	}
	return s.step(ctx, fmt.Sprintf("building %d functions (the first time takes a minute or two)", len(functions)), func() error {
		return lambdahost.Build(ctx, s.settings.root, folder+string(filepath.Separator), packages...)
	})
}

// bootstrap returns where a function's program lies.
func (s *system) bootstrap(function string) (string, error) {
	return filepath.Abs(filepath.Join(s.settings.kept(functionsDir), function))
}

// startFunctions starts what calls functions: the API, the queues, the schedules.
func (s *system) startFunctions(ctx, now context.Context, tpl *template.Template, cloudURL string, provision provision, api net.Listener, ended chan<- error) error {
	hosted := lambdahost.Config{
		Environments: environments, Idle: idle, Region: region, AccountID: cloud.Account, Environment: s.passedOn(cloudURL),
		Sink: s.console, Now: time.Now, NewID: uuid.NewString,
	}
	for _, f := range tpl.Functions {
		bootstrap, err := s.bootstrap(f.Name)
		if err != nil {
			return err
		}
		hosted.Functions = append(hosted.Functions, lambdahost.Function{
			Name: f.Name, Bootstrap: bootstrap, Timeout: f.Timeout, MemoryMB: f.MemoryMB,
			Concurrency: f.Concurrency, Environment: f.Environment,
		})
	}
	host := lambdahost.New(hosted)
	poller, err := eventsource.New(eventsource.Config{
		Functions: tpl.Functions, Queues: tpl.Queues, Queue: provision.queues, Invoker: host, Region: region, Log: s.log,
	})
	if err != nil {
		return err
	}
	scheduler, err := schedule.New(schedule.Config{
		Functions: tpl.Functions, Invoker: host, Region: region, AccountID: cloud.Account, Now: time.Now, NewID: uuid.NewString, Log: s.log,
	})
	if err != nil {
		return err
	}
	door, err := gateway.New(gateway.Config{
		API: *tpl.API, Functions: tpl.Functions, Invoker: host, Region: region, AccountID: cloud.Account, Timeout: requestTime,
		Now: time.Now, NewID: uuid.NewString,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { poller.Run(ctx) })
	running.Go(func() { scheduler.Run(ctx) })
	s.onStop(func() {
		cancel()
		grace, cancel := context.WithTimeout(now, graceTime)
		defer cancel()
		host.Close(grace)
		running.Wait()
	})
	s.serve(api, withReceiver(door, receiver.New(time.Now, s.log)), ended)
	return nil
}

// withReceiver puts the receiver of webhooks beside the API.
func withReceiver(api, webhooks http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/_receiver/") {
			webhooks.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// passedOn returns the variables of every function: where AWS is, and what this machine needs to reach others.
func (s *system) passedOn(cloudURL string) map[string]string {
	environment := map[string]string{"AWS_ENDPOINT_URL": cloudURL}
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"} {
		if value := s.settings.values[name]; value != "" {
			environment[name] = value
		}
	}
	return environment
}
