package guard

import (
	"regexp"
	"strings"
)

// Route is how the template leads requests to a function.
type Route struct {
	Function string // its folder in functions/
	Path     string
	Method   string
	Public   bool // no authorizer stands before it
}

var hump = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// Routes returns the routes of the template's functions, by their ids.
func (t Template) Routes() (routes []Route) {
	for _, id := range t.of(function) {
		folder := strings.ToLower(hump.ReplaceAllString(strings.TrimSuffix(id, "Function"), "$1-$2"))
		for _, event := range t.Resources[id].events("HttpApi") {
			routes = append(routes, Route{folder, text(event["Path"]), text(event["Method"]), text(child(event, "Auth")["Authorizer"]) == "NONE"})
		}
	}
	return routes
}
