package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

func TestStep(t *testing.T) {
	t.Parallel()
	done := func(context.Context) (map[string]any, error) { return map[string]any{"Newest": "0007_x.sql"}, nil }
	failed := func(context.Context) (map[string]any, error) {
		return nil, fault.Wrap(errors.New("password=x"), fault.Unavailable, "The database is away")
	}
	absent := func(context.Context) (map[string]any, error) {
		return map[string]any{"Newest": "none"}, fault.New(fault.NotFound, "No database is set.")
	}
	for name, c := range map[string]struct {
		request string
		do      func(context.Context) (map[string]any, error)
		want    string
	}{
		"made":          {"Create", done, `{"Status":"SUCCESS","RequestId":"r","LogicalResourceId":"Schema","StackId":"s","PhysicalResourceId":"Schema","Data":{"Newest":"0007_x.sql"}}`},
		"changed":       {"Update", done, `{"Status":"SUCCESS","RequestId":"r","LogicalResourceId":"Schema","StackId":"s","PhysicalResourceId":"Schema","Data":{"Newest":"0007_x.sql"}}`},
		"deleted":       {"Delete", failed, `{"Status":"SUCCESS","RequestId":"r","LogicalResourceId":"Schema","StackId":"s","PhysicalResourceId":"Schema"}`},
		"failed":        {"Update", failed, `{"Status":"FAILED","RequestId":"r","LogicalResourceId":"Schema","StackId":"s","PhysicalResourceId":"Schema","Reason":"The database is away The function's log says more."}`},
		"panicked":      {"Create", func(context.Context) (map[string]any, error) { panic("x") }, `"Status":"FAILED"`},
		"not there yet": {"Create", absent, `{"Status":"SUCCESS","RequestId":"r","LogicalResourceId":"Schema","StackId":"s","PhysicalResourceId":"Schema","Reason":"No database is set.","Data":{"Newest":"none"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got string
			s3 := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got = r.Method + " " + r.Header.Get("Content-Type") + string(body)
			}))
			defer s3.Close()
			event, _ := json.Marshal(map[string]any{
				"RequestType": c.request, "RequestId": "r", "ResponseURL": s3.URL, "LogicalResourceId": "Schema", "StackId": "s",
				"ResourceProperties": map[string]any{"ServiceTimeout": "330"},
			})
			if _, err := lambda.Step(s3.Client(), c.do)(t.Context(), event); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(got, "PUT {") || !strings.Contains(got, c.want) {
				t.Errorf("answered %s, want %s", got, c.want)
			}
		})
	}
}

func TestStepByHand(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{`{}`, `null`, `"x"`, `{"RequestType":"Create"}`} {
		result, err := lambda.Step(nil, func(context.Context) (map[string]any, error) { return map[string]any{"a": 1}, nil })(t.Context(), json.RawMessage(payload))
		if got, _ := result.(map[string]any); err != nil || got["a"] != 1 {
			t.Errorf("%s: %v, %v", payload, result, err)
		}
	}
	_, err := lambda.Step(nil, func(context.Context) (map[string]any, error) { return nil, fault.New(fault.NotFound, "none") })(t.Context(), nil)
	if fault.KindOf(err) != fault.NotFound {
		t.Errorf("error %v", err)
	}
}

// TestStepUnanswered: an answer that CloudFormation does not take is an error, without the signed address in it.
func TestStepUnanswered(t *testing.T) {
	t.Parallel()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer refusing.Close()
	for name, url := range map[string]string{"refused": refusing.URL + "/?sig=secret", "away": "http://127.0.0.1:1/?sig=secret", "no address": "http://%zz/?sig=secret"} {
		event, _ := json.Marshal(map[string]any{"RequestType": "Create", "ResponseURL": url})
		_, err := lambda.Step(refusing.Client(), func(context.Context) (map[string]any, error) { return nil, nil })(t.Context(), event)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
