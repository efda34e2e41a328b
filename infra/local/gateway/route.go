package gateway

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/local/template"
)

// kind orders the segments of a route's path by how much they say.
type kind int

const (
	static kind = iota
	variable
	greedy // {name+}, the rest of the path; last only
)

type segment struct {
	kind kind
	text string // the text, or the variable's name
}

// route leads to a function.
type route struct {
	template.Route
	Function string
	segments []segment
}

// key is the route's name: "GET /things/{id}", or "$default".
func (r route) key() string {
	if r.Path == "" {
		return "$default"
	}
	return r.Method + " " + r.Path
}

// router holds the routes, the most specific one first.
type router []route

// match is a route and what its variables stand for.
type match struct {
	route
	parameters map[string]string
}

func newRouter(functions []template.Function) (router, error) {
	var routes router
	for _, f := range functions {
		for _, r := range f.Routes {
			segments, err := parse(r.Path)
			if err != nil {
				return nil, fmt.Errorf("route %s of function %s: %w", r.Path, f.Name, err)
			}
			routes = append(routes, route{Route: r, Function: f.Name, segments: segments})
		}
	}
	slices.SortStableFunc(routes, moreSpecific)
	return routes, nil
}

func parse(path string) ([]segment, error) {
	if path == "" {
		return nil, nil
	}
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	segments := make([]segment, len(parts))
	for i, part := range parts {
		name, open := strings.CutPrefix(part, "{")
		name, closed := strings.CutSuffix(name, "}")
		name, rest := strings.CutSuffix(name, "+")
		switch {
		case !open && !closed && !strings.ContainsAny(part, "{}"):
			segments[i] = segment{static, part}
		case !open || !closed || name == "" || strings.ContainsAny(name, "{}+"):
			return nil, fmt.Errorf("%q is no segment", part)
		case rest && i < len(parts)-1:
			return nil, fmt.Errorf("%q takes the rest of the path and is not last", part)
		case rest:
			segments[i] = segment{greedy, name}
		default:
			segments[i] = segment{variable, name}
		}
	}
	return segments, nil
}

// moreSpecific puts texts before variables, variables before the rest of the path, methods before ANY, and the default route last.
func moreSpecific(a, b route) int {
	byKind := func(a, b segment) int { return cmp.Compare(a.kind, b.kind) }
	return cmp.Or(
		lastIf(a.Path == "", b.Path == ""),
		slices.CompareFunc(a.segments, b.segments, byKind),
		lastIf(a.Method == "ANY", b.Method == "ANY"),
	)
}

// lastIf puts what something is true of after what it is not.
func lastIf(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// match finds the route for a request. path is as the client escaped it: an escaped slash is no boundary.
func (r router) match(method, path string) (match, bool) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for _, route := range r {
		if route.Path != "" && route.Method != "ANY" && route.Method != method {
			continue
		}
		if parameters, ok := route.accepts(parts); ok {
			return match{route, parameters}, true
		}
	}
	return match{}, false
}

func (r route) accepts(parts []string) (map[string]string, bool) {
	if r.Path == "" {
		return nil, true
	}
	var parameters map[string]string
	set := func(name, value string) {
		if parameters == nil {
			parameters = map[string]string{}
		}
		parameters[name] = unescape(value)
	}
	for i, s := range r.segments {
		switch {
		case i >= len(parts):
			return nil, false
		case s.kind == greedy:
			rest := strings.Join(parts[i:], "/")
			set(s.text, rest)
			return parameters, rest != ""
		case s.kind == variable && parts[i] != "":
			set(s.text, parts[i])
		case s.kind == static && s.text == unescape(parts[i]):
		default:
			return nil, false
		}
	}
	return parameters, len(parts) == len(r.segments)
}

func unescape(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// stripStage takes the stage off a path; ok is false where it does not begin with it.
func stripStage(path, stage string) (rest string, ok bool) {
	if stage == "$default" {
		return path, true
	}
	rest, ok = strings.CutPrefix(path, "/"+stage)
	return rest, ok && (rest == "" || rest[0] == '/')
}
