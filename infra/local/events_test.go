package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/act-platform/enhanced-integration/infra/local/template"
)

// recorded is an event of infra/events, or a schedule's own.
type recorded struct {
	function template.Function
	name     string
	event    []byte
}

// recordings returns an event for each queue and each schedule of the template's functions. A schedule's is its Input, or EventBridge's
// own event where it has none; a queue's stands in infra/events, in a file that is called as the function is.
func recordings(t *testing.T, tpl *template.Template) (result []recorded) {
	t.Helper()
	read := func(f template.Function, name string) {
		file := filepath.Join("..", "events", name+".json")
		event, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("the function %s has no event to be invoked with: record one in infra/events/%s.json", f.Name, name)
			return
		}
		result = append(result, recorded{f, name, event})
	}
	for _, f := range tpl.Functions {
		for range f.Mappings {
			read(f, f.Name)
		}
		for _, s := range f.Schedules {
			if s.Input == "" {
				read(f, "schedule")
				continue
			}
			result = append(result, recorded{f, s.Name, []byte(s.Input)})
		}
	}
	return result
}

// TestRecordings: there is an event for each queue and schedule of the template, and it has the shape that AWS gives it.
func TestRecordings(t *testing.T) {
	t.Parallel()
	tpl := projectTemplate(t, nowhere(), "127.0.0.1")
	for _, r := range recordings(t, tpl) {
		if len(r.function.Mappings) == 0 || r.name != r.function.Name {
			if !json.Valid(r.event) {
				t.Errorf("%s of %s is no JSON", r.name, r.function.Name)
			}
			continue
		}
		var event events.SQSEvent
		if err := json.Unmarshal(r.event, &event); err != nil || len(event.Records) == 0 {
			t.Errorf("%s is no event of SQS: %v", r.name, err)
			continue
		}
		for _, m := range event.Records {
			if m.MessageId == "" || m.EventSource != "aws:sqs" || !strings.HasPrefix(m.EventSourceARN, "arn:aws:sqs:") || m.Attributes["ApproximateReceiveCount"] == "" {
				t.Errorf("%s has a record that SQS would not send: %+v", r.name, m)
			}
		}
	}
}
