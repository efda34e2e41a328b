package app

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/telemetry/trace"
)

// recorder records a function's spans and sends them to the collector that is set; nil, which records nothing, where none is.
func (p deps) recorder(function string) *trace.Recorder {
	if p.cfg.Tracing.Endpoint == "" {
		return nil
	}
	return trace.New(trace.Config{
		Export: trace.OTLP{
			Endpoint: p.cfg.Tracing.Endpoint,
			Headers:  p.tracingHeaders,
			Client: &http.Client{
				Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 1},
				CheckRedirect: func(*http.Request, []*http.Request) error {
					return http.ErrUseLastResponse // its key is for the collector that is set, and for no other
				},
			},
			Resource: []trace.Attribute{
				trace.Text("service.name", p.cfg.Tracing.Service), trace.Text("faas.name", function),
				trace.Text("deployment.environment.name", p.cfg.Stage), trace.Text("cloud.provider", "aws"), trace.Text("cloud.region", p.aws.Region),
			},
		},
		Sampler: p.cfg.Tracing.Sampler, Now: time.Now, Random: rand.Reader, Log: p.log,
	})
}

// tracingHeaders returns what the collector is told with each request.
func (p deps) tracingHeaders(ctx context.Context) (http.Header, error) {
	text, err := p.secret.Get(ctx, config.TracingHeaders)
	if err != nil {
		return nil, err
	}
	header, ok := trace.ParseHeaders(text.Reveal())
	if !ok {
		return nil, fault.New(fault.Unavailable, "OTEL_EXPORTER_OTLP_HEADERS in the app secret must be pairs of name=value with commas between.")
	}
	return header, nil
}
