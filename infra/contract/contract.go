// Package contract checks answers of the API against its OpenAPI document. It is for tests: a field that the document does not have is an
// error, though clients of the API have to ignore such fields.
package contract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/api/openapi"
)

// Contract is the document, read.
type Contract struct {
	document map[string]any
	paths    []path
	compiler *jsonschema.Compiler
	mutex    sync.Mutex // of the compiler
	compiled map[string]*jsonschema.Schema
}

// path is a path of the document, and what requests of it look like.
type path struct {
	name  string
	shape *regexp.Regexp
}

const file = "openapi.json"

// Load reads the document that the API serves.
func Load() (*Contract, error) {
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(openapi.JSON()))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	document, _ := parsed.(map[string]any)
	closed(document)
	c := &Contract{document: document, compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource(file, document); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	variable := regexp.MustCompile(`\\\{[a-z_]+\\\}`)
	for name := range object(document["paths"]) {
		c.paths = append(c.paths, path{name, regexp.MustCompile("^" + variable.ReplaceAllString(regexp.QuoteMeta(name), `[^/]+`) + "$")})
	}
	// A path that is written out comes before one with variables that fits as well.
	slices.SortFunc(c.paths, func(a, b path) int { return strings.Count(a.name, "{") - strings.Count(b.name, "{") })
	return c, nil
}

// closed has every object of known properties refuse others.
func closed(value any) {
	switch value := value.(type) {
	case map[string]any:
		if _, said := value["additionalProperties"]; value["type"] == "object" && value["properties"] != nil && !said {
			value["additionalProperties"] = false
		}
		for _, v := range value {
			closed(v)
		}
	case []any:
		for _, v := range value {
			closed(v)
		}
	}
}

func object(value any, names ...string) map[string]any {
	o, _ := value.(map[string]any)
	for _, name := range names {
		o, _ = o[name].(map[string]any)
	}
	return o
}

// Check returns what is wrong with an answer: its path, status, type or body is not in the document. The path is a request's, or one of the
// document's own.
func (c *Contract) Check(verb, requested string, status int, contentType string, body []byte) error {
	requested = strings.TrimPrefix(requested, api.Base)
	at := slices.IndexFunc(c.paths, func(p path) bool { return p.shape.MatchString(requested) })
	kind, _, _ := strings.Cut(contentType, ";")
	if at < 0 {
		if status < http.StatusBadRequest {
			return fmt.Errorf("%s is answered %d and is no path of the document", requested, status)
		}
		return c.matches("/components/schemas/Problem", body)
	}
	name := c.paths[at].name
	if verb == http.MethodHead {
		return nil
	}
	operation := object(c.document["paths"], name, strings.ToLower(verb))
	if operation == nil {
		if status < http.StatusBadRequest {
			return fmt.Errorf("%s %s is answered %d and is not in the document", verb, name, status)
		}
		return c.matches("/components/schemas/Problem", body)
	}
	code := strconv.Itoa(status)
	place := "/paths/" + escape(name) + "/" + strings.ToLower(verb) + "/responses/" + code
	response := object(operation["responses"], code)
	if ref, ok := response["$ref"].(string); ok {
		place = strings.TrimPrefix(ref, "#")
		response = object(c.document["components"], "responses", place[strings.LastIndexByte(place, '/')+1:])
	}
	if response == nil {
		return fmt.Errorf("%s %s is answered %d, which is not in the document: %s", verb, name, status, body)
	}
	if object(response["content"], kind) == nil {
		return fmt.Errorf("%s %s is answered %d in %s, which is not in the document", verb, name, status, kind)
	}
	if kind != "application/json" {
		return nil
	}
	if err := c.matches(place+"/content/"+escape(kind)+"/schema", body); err != nil {
		return fmt.Errorf("%s %s, %d: %w", verb, name, status, err)
	}
	return nil
}

func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(name)
}

// matches checks a body against the schema at a place of the document.
func (c *Contract) matches(place string, body []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %s", err, body)
	}
	c.mutex.Lock()
	schema := c.compiled[place]
	if schema == nil {
		if schema, err = c.compiler.Compile(file + "#" + place); err == nil {
			c.compiled[place] = schema
		}
	}
	c.mutex.Unlock()
	if err != nil {
		return err
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("%w: %.2000s", err, body)
	}
	return nil
}

// Transport sends requests on and checks the answers to those of the API. An answer that is not in the document fails its request.
type Transport struct {
	Contract *Contract
	Next     http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.Next.RoundTrip(r)
	if err != nil || !strings.HasPrefix(r.URL.Path, api.Base+"/") || r.Method == http.MethodOptions {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	if err := t.Contract.Check(r.Method, r.URL.Path, response.StatusCode, response.Header.Get("Content-Type"), body); err != nil {
		return nil, err
	}
	return response, nil
}

// CloseIdleConnections closes those that are kept, as http.Client does.
func (t Transport) CloseIdleConnections() {
	if next, ok := t.Next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}
