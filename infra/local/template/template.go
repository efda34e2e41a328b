// Package template reads an AWS SAM template into what a local system needs of it: functions with their routes, queues and schedules,
// the API, queues and secrets. What it does not understand, and what would matter, is an error that names the place: a template that
// is read here means the same here as in the cloud.
//
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification.html
package template

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Config is what a template does not say itself.
type Config struct {
	Region        string
	AccountID     string
	QueueEndpoint string                           // what queue URLs begin with, such as http://127.0.0.1:4002
	Parameter     func(name string) (string, bool) // gives a parameter's value; the template's default stands where it has none
}

// Template is a template, read. Lists are sorted by name, a function's routes and so on by their logical ids.
type Template struct {
	API       *API // nil when there is none
	Functions []Function
	Queues    []Queue
	Secrets   []Secret
}

// API is an HTTP API.
type API struct {
	Stage       string // "$default", or the first segment of every path
	Authorizers map[string]Authorizer
	CORS        *CORS // nil: API Gateway leaves CORS to the functions
}

// Authorizer is a Lambda authorizer of payload format 2.0 that gives simple answers.
type Authorizer struct {
	Function        string        // the name of the function that decides
	IdentitySources []string      // such as "$request.header.X-API-Key": without one of them a request is refused unasked
	TTL             time.Duration // how long an answer is kept by identity sources; 0 when it is not
}

// CORS is what API Gateway answers to browsers of other origins.
type CORS struct {
	AllowCredentials bool
	AllowHeaders     []string
	AllowMethods     []string
	AllowOrigins     []string
	ExposeHeaders    []string
	MaxAge           time.Duration
}

// Function is a Lambda function.
type Function struct {
	ID          string // its logical id
	Name        string // of its folder: SyncTriggerFunction is sync-trigger
	Timeout     time.Duration
	MemoryMB    int
	Concurrency int // at most so many at once; 0 when the template sets no limit
	Environment map[string]string
	Routes      []Route
	Mappings    []Mapping
	Schedules   []Schedule
}

// Route leads requests to a function. Method "ANY" stands for each; Path "" is the default route, for what no other route takes.
type Route struct {
	Method     string
	Path       string
	Authorizer string // a name in API.Authorizers; "" for a public route
}

// Mapping is an event-source mapping: it takes messages from a queue to a function.
type Mapping struct {
	QueueARN           string
	BatchSize          int
	Window             time.Duration // how long a batch may wait to fill
	MaximumConcurrency int           // 0 when the template sets no limit
	PartialFailures    bool          // the function names the messages that failed
}

// Schedule invokes a function at times that an EventBridge expression gives.
type Schedule struct {
	Name       string // the event's logical id
	Expression string // "rate(5 minutes)" or "cron(17 3 * * ? *)"
	Input      string // the function's event, JSON; "" for EventBridge's own
}

// Queue is an SQS queue. Attributes are named as SQS names them.
type Queue struct {
	Name       string
	ARN        string
	URL        string
	Attributes map[string]string
}

// Secret is a secret of Secrets Manager and what it holds at first.
type Secret struct {
	ID          string // its logical id
	Name        string
	Description string
	Value       string
}

// Error is what is wrong with a template and where.
type Error struct {
	Line   int
	Path   string // such as "Resources.SyncQueue.Properties.DelaySeconds"
	Reason string
}

// Error returns line, path and reason.
func (e *Error) Error() string { return fmt.Sprintf("line %d: %s: %s", e.Line, e.Path, e.Reason) }

func fail(node *yaml.Node, path, format string, args ...any) error {
	return &Error{Line: node.Line, Path: path, Reason: fmt.Sprintf(format, args...)}
}

// Read reads a template. An error about its content is an *Error.
func Read(source []byte, config Config) (*Template, error) {
	var file yaml.Node
	if err := yaml.Unmarshal(source, &file); err != nil {
		return nil, fmt.Errorf("read the template: %w", err)
	}
	if len(file.Content) == 0 {
		return nil, &Error{Line: 1, Path: "the template", Reason: "is empty"}
	}
	var document struct {
		Parameters, Conditions map[string]yaml.Node
		Globals                struct{ Function, HttpApi yaml.Node } //nolint:revive // SAM's name
		Resources              map[string]yaml.Node
	}
	err := decode(file.Content[0], "", &document, "AWSTemplateFormatVersion", "Transform", "Description", "Metadata", "Outputs", "Rules")
	if err != nil {
		return nil, err
	}
	scope, err := newScope(config, document.Parameters, document.Conditions, document.Resources)
	if err != nil {
		return nil, err
	}
	return scope.read(&document.Globals.Function, &document.Globals.HttpApi)
}

// inert are the types of resources that a local system can do without.
func inert(kind string) bool {
	return slices.ContainsFunc([]string{
		"AWS::ApiGatewayV2::", "AWS::CloudWatch::", "AWS::IAM::", "AWS::Lambda::Permission", "AWS::Logs::", "AWS::SNS::",
		"AWS::SQS::QueuePolicy", customType,
	}, func(prefix string) bool { return strings.HasPrefix(kind, prefix) })
}

func (s *scope) read(functionGlobals, apiGlobals *yaml.Node) (*Template, error) {
	t := &Template{}
	for _, id := range sortedKeys(s.resources) { // first, because routes have its default authorizer
		r := s.resources[id]
		if !r.exists || r.Type != apiType {
			continue
		}
		if t.API != nil {
			return nil, fail(&r.Properties, "Resources."+id, "a second HTTP API is not known to the local system")
		}
		var err error
		if t.API, err = s.readAPI(r, apiGlobals, "Resources."+id+".Properties"); err != nil {
			return nil, err
		}
	}
	for _, id := range sortedKeys(s.resources) {
		if r := s.resources[id]; r.exists {
			if err := s.readResource(t, id, r, functionGlobals); err != nil {
				return nil, err
			}
		}
	}
	return t, t.check()
}

func (s *scope) readResource(t *Template, id string, r resource, functionGlobals *yaml.Node) error {
	path := "Resources." + id + ".Properties"
	switch {
	case r.Type == functionType:
		function, err := s.readFunction(id, r, functionGlobals, path)
		t.Functions = append(t.Functions, function)
		return err
	case r.Type == queueType:
		queue, err := s.readQueue(id, r, path)
		t.Queues = append(t.Queues, queue)
		return err
	case r.Type == secretType:
		secret, err := s.readSecret(id, r, path)
		t.Secrets = append(t.Secrets, secret)
		return err
	case r.Type == apiType || inert(r.Type):
		return nil
	}
	return fail(&r.Properties, "Resources."+id, "resources of type %q are not known to the local system", r.Type)
}

// check holds the parts against each other.
func (t *Template) check() error {
	taken := map[string]string{}
	names := map[string]bool{}
	for _, f := range t.Functions {
		names[f.Name] = true
		for _, r := range f.Routes {
			key := r.Method + " " + r.Path
			if other, ok := taken[key]; ok {
				return fmt.Errorf("the functions %s and %s both take %s", other, f.Name, key)
			}
			taken[key] = f.Name
			if t.API == nil {
				return fmt.Errorf("function %s has a route and the template no HTTP API", f.Name)
			}
			if _, ok := t.API.Authorizers[r.Authorizer]; !ok && r.Authorizer != "" {
				return fmt.Errorf("function %s: there is no authorizer %s", f.Name, r.Authorizer)
			}
		}
		for _, m := range f.Mappings {
			if !slices.ContainsFunc(t.Queues, func(q Queue) bool { return q.ARN == m.QueueARN }) {
				return fmt.Errorf("function %s takes messages from %s, which is no queue of the template", f.Name, m.QueueARN)
			}
		}
	}
	if t.API != nil {
		for _, name := range sortedKeys(t.API.Authorizers) {
			if function := t.API.Authorizers[name].Function; !names[function] {
				return fmt.Errorf("authorizer %s: there is no function %s", name, function)
			}
		}
	}
	return nil
}
