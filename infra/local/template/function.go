package template

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

func (s *scope) readFunction(id string, r resource, globals *yaml.Node, path string) (Function, error) {
	node := without(merge(globals, &r.Properties),
		"Architectures", "AutoPublishAlias", "AutoPublishAliasAllProperties", "CodeUri", "DeploymentPreference", "Description", "EventInvokeConfig",
		"Handler", "LoggingConfig", "PermissionsBoundary", "Policies", "Role", "Runtime", "Tags", "Tracing")
	resolved, err := s.resolve(node, path)
	if err != nil {
		return Function{}, err
	}
	var p struct {
		Timeout                      int
		MemorySize                   int
		ReservedConcurrentExecutions *int
		Environment                  struct {
			Variables map[string]string
		}
		Events map[string]yaml.Node
	}
	p.Timeout, p.MemorySize = 3, 128 // Lambda's defaults
	if err := decode(resolved, path, &p); err != nil {
		return Function{}, err
	}
	f := Function{
		ID: id, Name: functionName(id), Timeout: time.Duration(p.Timeout) * time.Second, MemoryMB: p.MemorySize, Environment: p.Environment.Variables,
	}
	switch {
	case p.Timeout < 1 || p.Timeout > 900:
		return f, fail(node, path+".Timeout", "%d s is not within 1 and 900", p.Timeout)
	case p.MemorySize < 128 || p.MemorySize > 10240:
		return f, fail(node, path+".MemorySize", "%d MB is not within 128 and 10240", p.MemorySize)
	case p.ReservedConcurrentExecutions != nil:
		if f.Concurrency = *p.ReservedConcurrentExecutions; f.Concurrency < 1 {
			return f, fail(node, path+".ReservedConcurrentExecutions", "a function that never runs is not known to the local system")
		}
	}
	for _, event := range sortedKeys(p.Events) {
		node := p.Events[event]
		if err := s.readEvent(&f, event, &node, path+".Events."+event); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (s *scope) readEvent(f *Function, name string, node *yaml.Node, path string) error {
	var event struct {
		Type       string
		Properties yaml.Node
	}
	event.Properties = yaml.Node{Kind: yaml.MappingNode, Line: node.Line}
	if err := decode(node, path, &event); err != nil {
		return err
	}
	switch properties, path := &event.Properties, path+".Properties"; event.Type {
	case "HttpApi":
		route, err := s.readRoute(properties, path)
		f.Routes = append(f.Routes, route)
		return err
	case "SQS":
		mapping, err := readMapping(properties, path)
		f.Mappings = append(f.Mappings, mapping)
		return err
	case "Schedule":
		schedule, enabled, err := readSchedule(name, properties, path)
		if enabled {
			f.Schedules = append(f.Schedules, schedule)
		}
		return err
	}
	return fail(node, path, "events of type %q are not known to the local system", event.Type)
}

func (s *scope) readRoute(node *yaml.Node, path string) (Route, error) {
	var p struct {
		APIID                string `yaml:"ApiId"`
		Method               string
		Path                 string
		PayloadFormatVersion string
		Auth                 struct {
			Authorizer string
		}
	}
	p.PayloadFormatVersion = "2.0"
	if err := decode(node, path, &p); err != nil {
		return Route{}, err
	}
	r := Route{Method: strings.ToUpper(p.Method), Path: p.Path, Authorizer: s.defaultAuthorizer}
	if r.Path == "$default" { // the route's name, whatever the method
		r.Method, r.Path = "", ""
	}
	if p.Auth.Authorizer != "" {
		r.Authorizer = p.Auth.Authorizer
	}
	if r.Authorizer == "NONE" {
		r.Authorizer = ""
	}
	switch {
	case p.PayloadFormatVersion != "2.0":
		return r, fail(node, path+".PayloadFormatVersion", "payload format %s is not known to the local system", p.PayloadFormatVersion)
	case (r.Method == "") != (r.Path == ""):
		return r, fail(node, path, "Method and Path go together")
	case r.Path != "" && !strings.HasPrefix(r.Path, "/"):
		return r, fail(node, path+".Path", "%q does not begin with /", r.Path)
	case r.Method != "" && !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "ANY"}, r.Method):
		return r, fail(node, path+".Method", "%q is no method", p.Method)
	}
	return r, nil
}

func readMapping(node *yaml.Node, path string) (Mapping, error) {
	var p struct {
		Queue                          string
		BatchSize                      int
		MaximumBatchingWindowInSeconds int
		FunctionResponseTypes          []string
		ScalingConfig                  struct {
			MaximumConcurrency int
		}
	}
	p.BatchSize = 10 // Lambda's default
	if err := decode(node, path, &p); err != nil {
		return Mapping{}, err
	}
	m := Mapping{
		QueueARN: p.Queue, BatchSize: p.BatchSize, Window: time.Duration(p.MaximumBatchingWindowInSeconds) * time.Second,
		MaximumConcurrency: p.ScalingConfig.MaximumConcurrency,
	}
	for _, kind := range p.FunctionResponseTypes {
		if kind != "ReportBatchItemFailures" {
			return m, fail(node, path+".FunctionResponseTypes", "%q is not known to the local system", kind)
		}
		m.PartialFailures = true
	}
	fifo := strings.HasSuffix(m.QueueARN, ".fifo")
	switch {
	case m.BatchSize < 1 || m.BatchSize > 10000 || fifo && m.BatchSize > 10:
		return m, fail(node, path+".BatchSize", "%d is not within 1 and 10,000 (FIFO: 10)", m.BatchSize)
	case m.BatchSize > 10 && m.Window < time.Second:
		return m, fail(node, path+".BatchSize", "more than 10 need a MaximumBatchingWindowInSeconds of at least 1")
	case fifo && m.Window > 0:
		return m, fail(node, path+".MaximumBatchingWindowInSeconds", "a FIFO queue has none")
	case m.Window < 0 || m.Window > 5*time.Minute:
		return m, fail(node, path+".MaximumBatchingWindowInSeconds", "%v is not within 0 and 5 minutes", m.Window)
	case m.MaximumConcurrency != 0 && (m.MaximumConcurrency < 2 || m.MaximumConcurrency > 1000):
		return m, fail(node, path+".ScalingConfig.MaximumConcurrency", "%d is not within 2 and 1,000", m.MaximumConcurrency)
	}
	return m, nil
}

func readSchedule(name string, node *yaml.Node, path string) (schedule Schedule, enabled bool, err error) {
	var p struct {
		Schedule string
		Input    string
		Enabled  bool
	}
	p.Enabled = true
	if err := decode(node, path, &p, "Description", "Name"); err != nil {
		return Schedule{}, false, err
	}
	if p.Schedule == "" {
		return Schedule{}, false, fail(node, path+".Schedule", "needs a value")
	}
	if p.Input != "" && !json.Valid([]byte(p.Input)) {
		return Schedule{}, false, fail(node, path+".Input", "is no JSON")
	}
	return Schedule{Name: name, Expression: p.Schedule, Input: p.Input}, p.Enabled, nil
}
