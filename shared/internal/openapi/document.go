// Package openapi writes what follows from the routes of the API: its OpenAPI document and the tables of its endpoints.
package openapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

type object = map[string]any

// Document returns the OpenAPI 3.1 document of routes. root is the folder of the module, whose sources tell constants and comments.
func Document(root string, routes []api.Route) ([]byte, error) {
	s := &schemas{source: &source{root: root, files: map[string][]*ast.File{}}, components: object{}, made: map[string]reflect.Type{}}
	problem, err := s.of(reflect.TypeOf(api.Problem()), false)
	if err != nil {
		return nil, err
	}
	paths := object{}
	for _, route := range routes {
		for _, m := range route.Methods {
			operation, err := s.operation(route, m, problem)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", m.Verb, m.Path(route), err)
			}
			path, _ := paths[m.Path(route)].(object)
			if path == nil {
				path = object{}
				paths[m.Path(route)] = path
			}
			path[strings.ToLower(m.Verb)] = operation
		}
	}
	var tags []object
	for _, g := range api.Groups() {
		tags = append(tags, object{"name": g})
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	err = encoder.Encode(object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Enhanced integration", "version": "1",
			"description": "Keeps a Notion workspace and a Postgres (Supabase) database in sync, both ways. docs/API.md explains the API.",
			"contact":     object{"name": "Whoever runs this deployment"},
			"license":     object{"name": "Proprietary", "identifier": "LicenseRef-Proprietary"},
		},
		"servers": []object{{"url": api.Base}},
		"tags":    tags, "paths": paths,
		"components": object{
			"schemas": s.components, "responses": failures(problem),
			"parameters": object{"connection_id": object{
				"name": "connection_id", "in": "query", "schema": object{"type": "string", "format": "uuid"},
				"description": "The connection that is meant, the first one where it is left out. GET /config lists them. A request with a body may name it there.",
			}},
			"securitySchemes": object{
				"api_key": object{"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
				"bearer":  object{"type": "http", "scheme": "bearer", "description": "An API key, or the access token of a Supabase user."},
			},
		},
	})
	return text.Bytes(), err
}

// operation returns the operation of an endpoint.
func (s *schemas) operation(route api.Route, m api.Method, problem object) (object, error) {
	parameters, err := s.parameters(route, m)
	if err != nil {
		return nil, err
	}
	responses, err := s.responses(route, m, problem)
	if err != nil {
		return nil, err
	}
	summary, _, _ := strings.Cut(m.Does, ". ")
	operation := object{
		"operationId": operationID(m.Verb, m.Path(route)), "tags": []api.Group{route.Group}, "summary": strings.TrimSuffix(summary, "."),
		"description": m.Does, "responses": responses, "security": security(route, m),
	}
	if m.Scope != "" {
		operation["description"] = m.Does + " The caller needs the scope " + scopesOf(m, " and ") + "."
		operation["x-scopes"] = m.Scopes()
	}
	if len(parameters) > 0 {
		operation["parameters"] = parameters
	}
	if m.Body == nil {
		return operation, nil
	}
	body, err := s.of(reflect.TypeOf(m.Body), true)
	if err != nil {
		return nil, err
	}
	if route.Alone == "" {
		name := strings.TrimPrefix(body["$ref"].(string), "#/components/schemas/")
		s.components[name].(object)["properties"].(object)["connection_id"] = object{"type": "string", "format": "uuid", "description": "The connection that is meant."}
	}
	content := object{"schema": body}
	examples := object{}
	for i, example := range m.Examples {
		var value any
		if err := json.Unmarshal([]byte(ellipsis(example)), &value); err != nil {
			return nil, fmt.Errorf("the example %s: %w", example, err)
		}
		examples[strconv.Itoa(i+1)] = object{"value": value}
	}
	if len(examples) > 0 {
		content["examples"] = examples
	}
	operation["requestBody"] = object{"required": true, "content": object{"application/json": content}}
	return operation, nil
}

// ellipsis puts a value where an example leaves one out.
func ellipsis(example string) string {
	example = strings.ReplaceAll(example, "https://…", "https://example.org/hook")
	example = strings.ReplaceAll(example, `"…"`, `"0193a3c2-7f5e-7b1a-9c00-1f2e3d4c5b6a"`)
	return strings.ReplaceAll(example, "…", `"Berlin"`)
}

var variable = regexp.MustCompile(`\{([a-z_]+)\}`)

func (s *schemas) parameters(route api.Route, m api.Method) ([]object, error) {
	var list []object
	for _, name := range variable.FindAllStringSubmatch(m.Path(route), -1) {
		list = append(list, object{
			"name": name[1], "in": "path", "required": true, "schema": object{"type": "string", "format": "uuid"},
			"description": "The id of the " + map[string]string{"id": "resource", "page_id": "page in Notion", "delivery": "delivery"}[name[1]] + ".",
		})
	}
	for _, p := range m.Query {
		schema, err := s.of(reflect.TypeOf(p.Of), false)
		if err != nil {
			return nil, err
		}
		switch p.Name {
		case "limit":
			schema["minimum"], schema["maximum"] = 1, 500
		case "since":
			schema["format"] = "date-time"
		}
		parameter := object{"name": p.Name, "in": "query", "description": p.Says, "schema": schema}
		if schema["type"] == "array" {
			parameter["style"], parameter["explode"] = "form", false
		}
		list = append(list, parameter)
	}
	if route.Alone == "" {
		list = append(list, object{"$ref": "#/components/parameters/connection_id"})
	}
	return list, nil
}

// responses returns what an endpoint answers. Where an error may have more to say, it may also say no more than others.
func (s *schemas) responses(route api.Route, m api.Method, problem object) (object, error) {
	responses := object{}
	general := m.Errors(route)
	for _, status := range general {
		responses[strconv.Itoa(status)] = object{"$ref": "#/components/responses/" + nameOf(status)}
		if slices.Contains(m.Other, "text/html") {
			responses[strconv.Itoa(status)] = object{"description": http.StatusText(status) + ".", "content": object{
				"application/json": object{"schema": problem}, "text/html": object{"schema": object{"type": "string"}},
			}}
		}
	}
	for _, a := range m.Answers {
		content := object{}
		if a.Body != nil {
			schema, err := s.of(reflect.TypeOf(a.Body), false)
			if err != nil {
				return nil, err
			}
			if slices.Contains(general, a.Status) {
				schema = object{"anyOf": []object{schema, problem}}
			}
			content["application/json"] = object{"schema": schema}
		}
		for _, kind := range m.Other {
			content[kind] = object{"schema": object{"type": "string"}}
		}
		responses[strconv.Itoa(a.Status)] = object{"description": http.StatusText(a.Status) + ".", "content": content}
	}
	return responses, nil
}

// kinds are those of errors that a caller may be told.
func kinds() []fault.Kind {
	return []fault.Kind{
		fault.Invalid, fault.Unauthorized, fault.Forbidden, fault.NotFound, fault.Conflict, fault.TooLarge, fault.RateLimited, fault.Internal,
		fault.Unavailable,
	}
}

// failures returns the general responses to what goes wrong.
func failures(problem object) object {
	responses := object{}
	for _, k := range kinds() {
		status, name, _ := api.StatusOf(k)
		responses[nameOf(status)] = object{"description": name + ".", "content": object{"application/json": object{"schema": problem}}}
	}
	return responses
}

func nameOf(status int) string { return strings.ReplaceAll(http.StatusText(status), " ", "") }

// scopesOf names the scopes that an endpoint needs, "" where it needs none.
func scopesOf(m api.Method, between string) string {
	names := make([]string, 0, 2)
	for _, scope := range m.Scopes() {
		names = append(names, string(scope))
	}
	return strings.Join(names, between)
}

func security(route api.Route, m api.Method) []object {
	switch {
	case route.Public:
		return []object{}
	case m.Scope == "":
		return []object{{}, {"api_key": []string{}}, {"bearer": []string{}}}
	}
	return []object{{"api_key": []string{}}, {"bearer": []string{}}}
}

// operationID names an endpoint as a function of a client is named.
func operationID(verb, path string) string {
	words := regexp.MustCompile(`[a-zA-Z]+`).FindAllString(path, -1)
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.ToLower(verb) + strings.Join(words, "")
}

// Tables returns a page with the table of each group's endpoints between the comments that name it.
func Tables(page string, routes []api.Route) (string, error) {
	for _, g := range api.Groups() {
		begin, end := "<!-- endpoints: "+string(g)+" -->\n", "<!-- end of endpoints -->"
		before, rest, ok := strings.Cut(page, begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			return "", fmt.Errorf("the page has no %q with an end", strings.TrimSpace(begin))
		}
		page = before + begin + "\n" + table(g, routes) + "\n" + end + after
	}
	return page, nil
}

func table(g api.Group, routes []api.Route) string {
	lines := []string{"| endpoint | what it does | scope |", "|---|---|---|"}
	for _, route := range routes {
		if route.Group != g {
			continue
		}
		for _, m := range route.Methods {
			endpoint := []string{"`" + m.Verb + " " + m.Path(route) + "`"}
			if len(m.Query) > 0 {
				names := make([]string, len(m.Query))
				for i, p := range m.Query {
					names[i] = p.Name
				}
				endpoint = append(endpoint, "`?"+strings.Join(names, "&")+"`")
			}
			if len(m.Examples) > 0 {
				endpoint = append(endpoint, "`"+strings.Join(m.Examples, "` or `")+"`")
			}
			lines = append(lines, "| "+strings.Join(endpoint, " ")+" | "+m.Does+" | "+cmp.Or(scopesOf(m, ", "), "none")+" |")
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
