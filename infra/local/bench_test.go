package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/uuid"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
	"github.com/act-platform/enhanced-integration/infra/local/template"
)

const coldStarts = 50

// timings keeps how long invocations and starts took.
type timings struct {
	mu   sync.Mutex
	init []time.Duration
	warm []time.Duration
}

func (*timings) Line(string, []byte) {}

func (s *timings) Report(r lambdahost.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Init > 0 {
		s.init = append(s.init, r.Init)
		return
	}
	s.warm = append(s.warm, r.Duration)
}

// BenchmarkFunctions tells of each function of the template how large it is, how long 50 cold starts took, and its warm answers where
// nothing is set up: the time is the function's own, not its database's. It is what docs/PERFORMANCE.md shows.
func BenchmarkFunctions(b *testing.B) {
	source, err := os.ReadFile("../../template.yaml")
	if err != nil {
		b.Fatal(err)
	}
	tpl, err := template.Read(source, template.Config{Region: region, AccountID: cloud.Account, Parameter: func(string) (string, bool) { return "", false }})
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	for _, f := range tpl.Functions {
		b.Run(f.Name, func(b *testing.B) { benchmark(b, f, filepath.Join(dir, f.Name)) })
	}
}

func benchmark(b *testing.B, f template.Function, bootstrap string) {
	b.Helper()
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc,nethttpomithttp2", "-ldflags", "-s -w", "-o", bootstrap, "../../functions/"+f.Name)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v %s", err, out)
	}
	info, err := os.Stat(bootstrap)
	if err != nil {
		b.Fatal(err)
	}
	event := []byte("{}")
	if len(f.Routes) > 0 {
		event, _ = json.Marshal(events.APIGatewayV2HTTPRequest{
			RawPath: f.Routes[0].Path, RequestContext: events.APIGatewayV2HTTPRequestContext{HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: "GET"}},
		})
	}
	kept := &timings{}
	host := func() *lambdahost.Host {
		return lambdahost.New(lambdahost.Config{
			Functions:    []lambdahost.Function{{Name: f.Name, Bootstrap: bootstrap, Timeout: f.Timeout, MemoryMB: f.MemoryMB}},
			Environments: 1, Idle: time.Minute, Region: region, AccountID: cloud.Account, Sink: kept, Now: time.Now, NewID: uuid.NewString,
		})
	}
	for range coldStarts {
		h := host()
		if _, err := h.Invoke(b.Context(), f.Name, event); err != nil {
			b.Fatal(err)
		}
		h.Close(context.Background())
	}
	h := host()
	defer h.Close(context.Background())
	for b.Loop() {
		if _, err := h.Invoke(b.Context(), f.Name, event); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(info.Size())/1e6, "MB")
	for name, d := range map[string][]time.Duration{"cold": kept.init, "warm": kept.warm} {
		slices.Sort(d)
		for _, percent := range []int{50, 99} {
			b.ReportMetric(float64(d[min(len(d)-1, len(d)*percent/100)].Microseconds())/1000, fmt.Sprintf("%s-p%d-ms", name, percent))
		}
	}
}
