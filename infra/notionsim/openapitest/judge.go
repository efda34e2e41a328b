//go:build conformance

package openapitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	validatorerrors "github.com/pb33f/libopenapi-validator/errors"
)

type judge struct {
	tb       testing.TB
	document *Document
	next     http.Handler
	rules
}

// Wrap returns a handler that answers as next does, and fails the test for each answer under /v1/ that the document does not
// allow. What the document does not describe is not judged: other paths, answers that are no JSON, and properties of types
// that it does not know.
func (d *Document) Wrap(tb testing.TB, next http.Handler, options ...Option) http.Handler {
	tb.Helper()
	j := &judge{tb: tb, document: d, next: next}
	for _, o := range options {
		o(&j.rules)
	}
	return j
}

func (j *judge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if j.document.operation(r) == nil {
		j.next.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		j.tb.Errorf("read the body of %s %s: %v", r.Method, r.URL.Path, err)
	}
	if j.requests {
		if err := j.document.Request(r, body); err != nil {
			j.tb.Errorf("the request %s %s does not fit Notion's OpenAPI document: %v\n%s", r.Method, r.URL.Path, err, excerpt(body))
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	j.next.ServeHTTP(answer, r)
	if err := j.document.Response(r, answer.Code, answer.Header(), answer.Body.Bytes()); err != nil {
		j.tb.Errorf("the answer %d to %s %s does not fit Notion's OpenAPI document: %v\n%s", answer.Code, r.Method, r.URL.Path, err, excerpt(answer.Body.Bytes()))
	}
	for k, v := range answer.Header() {
		w.Header()[k] = v
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // a client that went away is its own business
}

// operation returns what the document says of a request's method and path, or nil. A path without parameters comes first: users/me
// is no user's id.
func (d *Document) operation(r *http.Request) *operation {
	method, path := strings.ToLower(r.Method), r.URL.EscapedPath()
	if op, ok := d.paths[path][method]; ok {
		return &op
	}
	for pattern, methods := range d.paths {
		if op, ok := methods[method]; ok && fits(pattern, path) {
			return &op
		}
	}
	return nil
}

// fits reports whether a path is one of a pattern such as /v1/pages/{page_id}.
func fits(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && !strings.HasPrefix(want[i], "{") {
			return false
		}
	}
	return true
}

// Request reports what the document has against a request.
func (d *Document) Request(r *http.Request, body []byte) error {
	probe := d.probe(r, body)
	_, problems := d.validator.ValidateHttpRequest(probe)
	return join(problems)
}

// Response reports what the document has against an answer. Of statuses that it does not describe, those of the gateway in front
// of Notion are let through: 413, 502 and 529.
func (d *Document) Response(r *http.Request, status int, header http.Header, body []byte) error {
	op := d.operation(r)
	if op == nil {
		return nil
	}
	if _, described := op.Responses[strconv.Itoa(status)]; !described {
		switch status {
		case http.StatusRequestEntityTooLarge, http.StatusBadGateway, 529:
			return nil
		}
		return fmt.Errorf("status %d is not among those that may be answered", status)
	}
	var tree any
	if !strings.HasPrefix(header.Get("Content-Type"), "application/json") || json.Unmarshal(body, &tree) != nil {
		if status >= http.StatusInternalServerError || status == http.StatusForbidden {
			return nil // a fault, or the page of a proxy
		}
		return errors.New("the answer is no JSON")
	}
	pruned, err := json.Marshal(d.prune(tree, r.Header.Get("Notion-Version") != latest))
	if err != nil {
		return err
	}
	_, problems := d.validator.ValidateHttpResponse(d.probe(r, nil), &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(pruned)),
	})
	return join(problems)
}

// latest is the version that the document describes.
const latest = "2026-03-11"

// probe returns a request to the server that the document names.
func (d *Document) probe(r *http.Request, body []byte) *http.Request {
	probe := r.Clone(r.Context())
	probe.URL.Scheme, probe.URL.Host, probe.Host = "https", "api.notion.com", "api.notion.com"
	probe.Body = io.NopCloser(bytes.NewReader(body))
	probe.ContentLength = int64(len(body))
	return probe
}

// prune takes from an answer what the document cannot know: properties of types that it does not list, formulas and rollups that are
// unsupported, and archived, which the
// version before the one it describes still has.
func (d *Document) prune(v any, older bool) any {
	switch v := v.(type) {
	case map[string]any:
		if older {
			delete(v, "archived")
		}
		kind := map[any]string{"page": "page", "data_source": "schema"}[v["object"]]
		if properties, ok := v["properties"].(map[string]any); ok && kind != "" {
			for name, p := range properties {
				t, _ := object(p)["type"].(string)
				if !d.known[kind][t] || (kind == "page" && object(object(p)[t])["type"] == "unsupported") {
					delete(properties, name)
				}
			}
		}
		for k, member := range v {
			v[k] = d.prune(member, older)
		}
		return v
	case []any:
		for i, element := range v {
			v[i] = d.prune(element, older)
		}
		return v
	default:
		return v
	}
}

// join makes one error of what the validator found: the first few reasons, which name the place.
func join(problems []*validatorerrors.ValidationError) error {
	var all []error
	for _, p := range problems {
		all = append(all, errors.New(p.Message+": "+p.Reason))
		for i, s := range p.SchemaValidationErrors {
			if i == 12 {
				break
			}
			all = append(all, fmt.Errorf("\t%s: %s", s.FieldPath, s.Reason))
		}
	}
	return errors.Join(all...)
}

func excerpt(body []byte) string {
	const most = 2000
	if len(body) > most {
		return string(body[:most]) + "…"
	}
	return string(body)
}
