package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
	"github.com/act-platform/enhanced-integration/infra/local/template"
)

// kept keeps what functions write.
type kept struct {
	mu    sync.Mutex
	lines map[string][]string
}

func (k *kept) Line(function string, line []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lines[function] = append(k.lines[function], string(line))
}

func (*kept) Report(lambdahost.Report) {}

func (k *kept) of(function string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Join(k.lines[function], "\n")
}

// quiet keeps nothing.
type quiet struct{}

func (quiet) Line(string, []byte)      {}
func (quiet) Report(lambdahost.Report) {}

// buildFunctions builds the template's functions, for a test that starts no system.
func buildFunctions(t *testing.T, tpl *template.Template) {
	t.Helper()
	state := filepath.Join(t.TempDir(), "state")
	prepare(t, state)
	s := system{settings: settings{root: "../..", state: state}, log: slog.New(slog.DiscardHandler)}
	if err := s.build(t.Context(), tpl.Functions); err != nil {
		t.Fatal(err)
	}
}

// hostOf runs the template's functions, which were built before, with their environments changed.
func hostOf(t *testing.T, tpl *template.Template, sink lambdahost.Sink, environment func(template.Function) map[string]string) *lambdahost.Host {
	t.Helper()
	c := lambdahost.Config{Environments: 1, Idle: time.Minute, Region: region, AccountID: cloud.Account, Sink: sink, Now: time.Now, NewID: uuid.NewString}
	for _, f := range tpl.Functions {
		c.Functions = append(c.Functions, lambdahost.Function{
			Name: f.Name, Bootstrap: filepath.Join(os.Getenv(builtVariable), f.Name), Timeout: f.Timeout, MemoryMB: f.MemoryMB, Environment: environment(f),
		})
	}
	host := lambdahost.New(c)
	t.Cleanup(func() { host.Close(context.Background()) })
	return host
}

// whole sets the environment of functions that the template says, and where AWS is.
func whole(cloudURL string) func(template.Function) map[string]string {
	return func(f template.Function) map[string]string {
		environment := maps.Clone(f.Environment)
		environment["AWS_ENDPOINT_URL"] = cloudURL
		return environment
	}
}

// TestBadMessages: what is on the sync queue and cannot be worked on comes five times, each time with a line in the log, and then lies in
// the dead-letter queue; and the system goes on.
func TestBadMessages(t *testing.T) {
	t.Parallel()
	u := arrive(t)
	tpl := projectTemplate(t, u.env, "127.0.0.1")
	at := slices.IndexFunc(tpl.Queues, func(q template.Queue) bool { return strings.HasSuffix(q.Name, "-sync.fifo") })
	queues := newProvision(u.env["AWS_ENDPOINT_URL"]).queues
	hidden := &sqs.SetQueueAttributesInput{QueueUrl: aws.String(tpl.Queues[at].URL), Attributes: map[string]string{"VisibilityTimeout": "1"}}
	if _, err := queues.SetQueueAttributes(t.Context(), hidden); err != nil {
		t.Fatal(err)
	}
	unknown := `{"run_id":"01a20a01-1319-7628-91f5-ac32158e360f","kind":"partners","segment":7}`
	bodies := []string{"no JSON", "[]", `{"run_id":1}`, `{}`, strings.Repeat("x", 1<<20-1024), unknown, unknown}
	for i, body := range bodies {
		if _, err := queues.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: aws.String(tpl.Queues[at].URL), MessageBody: aws.String(body),
			MessageGroupId: aws.String(fmt.Sprint("group-", i)), MessageDeduplicationId: aws.String(fmt.Sprint("message-", i)),
		}); err != nil {
			t.Fatal(err)
		}
	}
	dead := strings.Replace(tpl.Queues[at].URL, "-sync.fifo", "-sync-dead.fifo", 1)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(2 * time.Minute); ; {
		out, err := queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: aws.String(dead), AttributeNames: []types.QueueAttributeName{"ApproximateNumberOfMessages"}})
		if err != nil {
			t.Fatal(err)
		}
		n := out.Attributes["ApproximateNumberOfMessages"]
		if n == fmt.Sprint(len(bodies)) {
			break
		}
		select {
		case <-deadline:
			t.Fatalf("%s of %d are dead letters\n%s", n, len(bodies), u.out)
		case <-ticker.C:
		}
	}
	if n := strings.Count(u.out.String(), "message will come again"); n != 5*len(bodies) {
		t.Errorf("%d lines tell of %d messages that came five times each", n, len(bodies))
	}
	u.sync(t)
}

// TestEventsTwice: a schedule that fires twice and a message that comes twice do no harm.
func TestEventsTwice(t *testing.T) {
	t.Parallel()
	u := arrive(t)
	tpl := projectTemplate(t, u.env, "127.0.0.1")
	host := hostOf(t, tpl, quiet{}, whole(u.env["AWS_ENDPOINT_URL"]))
	for _, r := range recordings(t, tpl) {
		for range 2 {
			if result, err := host.Invoke(t.Context(), r.function.Name, r.event); err != nil || result.Failed {
				t.Errorf("%s with %s: %s %v", r.function.Name, r.event, result.Payload, err)
			}
		}
	}
	u.settle(t)
}

// TestMissingVariables: a function that is not set up says, at its first use, which variable is missing.
func TestMissingVariables(t *testing.T) {
	t.Parallel()
	tpl := projectTemplate(t, nowhere(), "127.0.0.1")
	buildFunctions(t, tpl)
	sink := &kept{lines: map[string][]string{}}
	host := hostOf(t, tpl, sink, func(template.Function) map[string]string { return nil })
	authorizers := map[string]bool{}
	for _, a := range tpl.API.Authorizers {
		authorizers[a.Function] = true
	}
	answers := map[string]string{}
	for _, f := range tpl.Functions {
		event := []byte(`{"type":"incremental","Records":[{"messageId":"1","body":"{\"run_id\":\"01a20a01-1319-7628-91f5-ac32158e360f\",\"kind\":\"partners\"}"}]}`)
		if len(f.Routes) > 0 {
			event, _ = json.Marshal(events.APIGatewayV2HTTPRequest{
				RawPath: f.Routes[0].Path, RequestContext: events.APIGatewayV2HTTPRequestContext{HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: "GET"}},
			})
		}
		result, err := host.Invoke(t.Context(), f.Name, event)
		if err != nil {
			t.Fatal(err)
		}
		var answer events.APIGatewayV2HTTPResponse
		needless := len(f.Routes) > 0 && json.Unmarshal(result.Payload, &answer) == nil && answer.StatusCode < 500
		if !needless && !authorizers[f.Name] { // it does not refuse before it needs something
			answers[f.Name] = string(result.Payload)
		}
	}
	host.Close(t.Context()) // after which all that was written is in the sink
	for function, answer := range answers {
		if said := answer + sink.of(function); !strings.Contains(said, "APP_SECRET_ARN must name the secret") {
			t.Errorf("%s says %s", function, said)
		}
	}
}
