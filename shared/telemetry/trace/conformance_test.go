//go:build conformance

package trace_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// TestConformanceCollector has the OpenTelemetry Collector's own decoder read what is sent: ids, parents, times, numbers, kinds, statuses.
func TestConformanceCollector(t *testing.T) {
	t.Parallel()
	var sent bytes.Buffer
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(&sent, r.Body) }))
	defer server.Close()
	o := trace.OTLP{
		Endpoint: server.URL, Client: server.Client(), Resource: []trace.Attribute{trace.Text("service.name", "s")},
		Headers: func(context.Context) (http.Header, error) { return nil, nil },
	}
	c, _ := trace.Parse(parent)
	at := time.Unix(1_800_000_000, 123456789).UTC()
	if err := o.Export(t.Context(), []trace.Span{{
		Context: c, Parent: trace.SpanID{0xab, 0, 0, 0, 0, 0, 0, 1}, Name: "GET /v1/pages/{id} \u00e9 \U0001f600", Kind: trace.Client, Began: at, Ended: at.Add(1234 * time.Microsecond),
		Failure: "unavailable", Attributes: []trace.Attribute{trace.Text("empty", ""), trace.Number("most", 1<<53+1), trace.Number("none", 0)},
	}, {Context: c, Name: "root", Kind: trace.Server, Began: at, Ended: at}, {Context: c, Name: "part", Kind: trace.Internal, Began: at, Ended: at}, {
		Context: c, Name: "message", Kind: trace.Consumer, Began: at, Ended: at,
	}}); err != nil {
		t.Fatal(err)
	}
	judge := exec.CommandContext(t.Context(), "go", "run", "./otlp")
	judge.Dir, judge.Stdin, judge.Stderr = filepath.Join("..", "..", "..", "infra", "tools"), &sent, os.Stderr
	out, err := judge.Output()
	if err != nil {
		t.Fatal(err)
	}
	root := func(name, kind string) map[string]any {
		return map[string]any{
			"resource": map[string]any{"service.name": "s"}, "scope": "github.com/act-platform/enhanced-integration",
			"trace": "4bf92f3577b34da6a3ce929d0e0e4736", "span": "00f067aa0ba902b7", "parent": "", "flags": json.Number("1"), "name": name, "kind": kind,
			"status": "Unset", "began": "2027-01-15T08:00:00.123456789Z", "took": "0s", "attributes": map[string]any{},
		}
	}
	want := []map[string]any{root("GET /v1/pages/{id} \u00e9 \U0001f600", "Client"), root("root", "Server"), root("part", "Internal"), root("message", "Consumer")}
	want[0]["parent"], want[0]["status"], want[0]["took"] = "ab00000000000001", "Error", "1.234ms"
	want[0]["attributes"] = map[string]any{"empty": "", "most": json.Number("9007199254740993"), "none": json.Number("0"), "error.type": "unavailable"}
	lines := json.NewDecoder(bytes.NewReader(out))
	lines.UseNumber()
	for i, w := range want {
		var got map[string]any
		if err := lines.Decode(&got); err != nil || !reflect.DeepEqual(got, w) {
			t.Errorf("span %d is read as\n%v, want\n%v (%v)", i, got, w, err)
		}
	}
	if lines.More() {
		t.Error("more was read than was sent")
	}
}
