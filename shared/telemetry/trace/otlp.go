package trace

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// OTLP sends spans to a collector over HTTP, in OTLP's JSON.
//
// https://opentelemetry.io/docs/specs/otlp/#otlphttp
type OTLP struct {
	// Endpoint is the collector's address; spans go to /v1/traces beneath it.
	Endpoint string
	// Headers returns what the collector is told with each request, as ParseHeaders does. Its errors are the export's.
	Headers func(ctx context.Context) (http.Header, error)
	Client  *http.Client
	// Resource says who sends: service.name and the like.
	Resource []Attribute
}

// scopeName is who made the spans, beneath the resource.
const scopeName = "github.com/act-platform/enhanced-integration"

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// Export sends spans. The error names neither the address nor what was sent.
func (o OTLP) Export(ctx context.Context, spans []Span) error {
	header, err := o.Headers(ctx)
	if err != nil {
		return err
	}
	body, err := o.encode(spans)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(o.Endpoint, "/")+"/v1/traces", bytes.NewReader(body))
	if err != nil {
		return errors.New("the collector's address is none")
	}
	request.Header = header.Clone()
	if request.Header == nil {
		request.Header = http.Header{}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "act-enhanced-integration")
	answer, err := o.Client.Do(request)
	if err != nil {
		if lost, ok := errors.AsType[*url.Error](err); ok {
			err = lost.Err // without the address
		}
		return fmt.Errorf("the collector cannot be reached: %w", err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer)) // so that the connection can be used again
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("the collector answered %d", answer.StatusCode)
	}
	return nil
}

// ParseHeaders reads OTEL_EXPORTER_OTLP_HEADERS: pairs of name=value with commas between, values percent-encoded; false when it is not that.
//
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/#specifying-headers-via-environment-variables
func ParseHeaders(text string) (http.Header, bool) {
	header := http.Header{}
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		name = strings.TrimSpace(name)
		if !ok || err != nil || name == "" || strings.ContainsAny(name, " \t\r\n:") || strings.ContainsAny(value, "\r\n") {
			return nil, false
		}
		header.Add(name, value)
	}
	return header, true
}

// The shapes of OTLP's JSON: ids in hexadecimal, numbers of 64 bits as texts.
//
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
type (
	otlpValue struct {
		Text   *string `json:"stringValue,omitempty"`
		Number *string `json:"intValue,omitempty"`
	}
	otlpAttribute struct {
		Key   string    `json:"key"`
		Value otlpValue `json:"value"`
	}
	otlpStatus struct {
		Code int `json:"code,omitempty"` // 2: an error
	}
	otlpSpan struct {
		TraceID    string          `json:"traceId"`
		SpanID     string          `json:"spanId"`
		Parent     string          `json:"parentSpanId,omitempty"`
		Flags      int             `json:"flags"`
		Name       string          `json:"name"`
		Kind       int             `json:"kind"`
		Began      string          `json:"startTimeUnixNano"`
		Ended      string          `json:"endTimeUnixNano"`
		Attributes []otlpAttribute `json:"attributes,omitempty"`
		Status     otlpStatus      `json:"status"`
	}
	otlpNamed struct {
		Name string `json:"name"`
	}
	otlpScope struct {
		Scope otlpNamed  `json:"scope"`
		Spans []otlpSpan `json:"spans"`
	}
	otlpOwner struct {
		Attributes []otlpAttribute `json:"attributes"`
	}
	otlpResource struct {
		Resource otlpOwner   `json:"resource"`
		Scopes   []otlpScope `json:"scopeSpans"`
	}
	otlpRequest struct {
		Resources []otlpResource `json:"resourceSpans"`
	}
)

func (o OTLP) encode(spans []Span) ([]byte, error) {
	encoded := make([]otlpSpan, len(spans))
	for i, s := range spans {
		e := otlpSpan{
			TraceID: s.TraceID.String(), SpanID: s.SpanID.String(), Flags: 1, Name: s.Name, Kind: int(s.Kind),
			Began: strconv.FormatInt(s.Began.UnixNano(), 10), Ended: strconv.FormatInt(max(s.Ended.UnixNano(), s.Began.UnixNano()), 10),
			Attributes: attributesOf(s.Attributes),
		}
		if s.Parent != (SpanID{}) {
			e.Parent = s.Parent.String()
		}
		if s.Failure != "" {
			e.Status.Code = 2
			e.Attributes = append(e.Attributes, attributesOf([]Attribute{Text("error.type", s.Failure)})...)
		}
		encoded[i] = e
	}
	return json.Marshal(otlpRequest{[]otlpResource{{
		otlpOwner{attributesOf(o.Resource)}, []otlpScope{{otlpNamed{scopeName}, encoded}},
	}}})
}

func attributesOf(attributes []Attribute) []otlpAttribute {
	encoded := make([]otlpAttribute, len(attributes))
	for i, a := range attributes {
		encoded[i].Key = a.Key
		if a.number {
			text := strconv.FormatInt(a.Number, 10)
			encoded[i].Value.Number = &text
		} else {
			encoded[i].Value.Text = &a.Text
		}
	}
	return encoded
}
