package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Base is what every path of the API begins with.
const Base = "/api/enhanced-integration"

// Route is a path of the API with its methods, which one function answers. Each stands beside its handler. What is known of an endpoint
// is said here and nowhere else: handlers, the documents and the tests go by it.
type Route struct {
	Path     string // below Base
	Function string // its folder in functions/
	Group    Group
	// Public: no authorizer stands before it. Signed: each request carries a signature or a secret, which the handler checks.
	Public, Signed bool
	// Alone says why no connection_id may be given; "" where one may.
	Alone   string
	Methods []Method
}

// Method is an endpoint.
type Method struct {
	Verb   string
	Action string       // what stands for {action} at the end of the path
	Scope  access.Scope // that the caller needs; "" lets everybody in
	Also   access.Scope // that the caller needs as well, since the answer shows what it is needed for; "" is none
	Does   string       // one sentence, or a few
	Query  []Parameter
	// Lenient: parameters that are not known are ignored.
	Lenient bool
	// Body is a value of the type that is read, nil where none is. Examples are some that work.
	Body     any
	Examples []string
	// Answers are those of the handler's own making, the usual one first.
	Answers []Answer
	Other   []string // types of content in which it may answer beside JSON
	// Fails are the kinds of error that do not follow from the rest: what may conflict, be full, …
	Fails []fault.Kind
}

// Parameter is one of the query's. Of is a value of its type.
type Parameter struct {
	Name string
	Of   any
	Says string
}

// Answer is a status with a value of the type of its body; nil is a body that is no JSON.
type Answer struct {
	Status int
	Body   any
}

// Group is a chapter of the API.
type Group string

// The groups, in the order in which they are documented.
const (
	Overview   Group = "Health and status"
	Syncs      Group = "Syncs"
	Webhooks   Group = "Events and webhooks"
	Workspaces Group = "Workspaces and settings"
	Operations Group = "Operations"
)

// Groups returns every group.
func Groups() []Group { return []Group{Overview, Syncs, Webhooks, Workspaces, Operations} }

// The parameters that several endpoints have.
func databaseParameter() Parameter {
	return Parameter{"database", "", "Only of this database."}
}

func limitParameter() Parameter {
	return Parameter{"limit", 0, "How many are listed at once, 1 to 500."}
}

func cursorParameter() Parameter {
	return Parameter{"cursor", "", "The next_cursor of the answer before."}
}

func sinceParameter() Parameter {
	return Parameter{"since", "", "Only from this time on, RFC 3339."}
}

// Scopes returns the scopes that the caller needs, none where everybody is let in.
func (m Method) Scopes() []access.Scope {
	return slices.DeleteFunc([]access.Scope{m.Scope, m.Also}, func(s access.Scope) bool { return s == "" })
}

// names returns the names of a method's parameters.
func (m Method) names() []string {
	return each(m.Query, func(p Parameter) string { return p.Name })
}

// checkQuery refuses a query that is malformed, and parameters that the method does not have.
func (m Method) checkQuery(r *http.Request) error {
	if m.Lenient {
		return nil
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The query string is malformed")
	}
	known := m.names()
	for name := range values {
		if !slices.Contains(known, name) {
			if mayNameConnection(r) {
				known = append(known, connectionParameter)
			}
			return fault.New(fault.Invalid, "There is no parameter %q; there are %s.", name, orNone(known))
		}
	}
	return nil
}

// Routes returns every route. It is for tests, documents and generated files: a function goes by its own route only.
func Routes() []Route {
	return []Route{
		healthRoute(), syncStatusRoute(), pageRoute(), analyticsDashboardRoute(), documentRoute(),
		syncTriggerRoute(), runRoute(), matchesRoute(), matchRoute(), conflictsRoute(), conflictRoute(), errorsRoute(), errorsRetryRoute(), holdsRoute(), heldRoute(),
		eventsRoute(), subscribeRoute(), subscriptionsRoute(), subscriptionRoute(), subscriptionActionRoute(), deliveriesRoute(), deliveryRoute(),
		deliveryReplayRoute(), notionWebhookRoute(), notionWebhookTokenRoute(), supabaseWebhookRoute(),
		oauthURLRoute(), oauthCallbackRoute(), oauthDisconnectRoute(), configRoute(), auditRoute(),
		alertsRoute(), breakersRoute(), cacheInvalidateRoute(), dataConsistencyRoute(), dataConsistencyRepairRoute(),
	}
}

// method returns the method that a request asks for. ok is false when the path has none of that verb and action; then any of the path's
// says which scope a caller needs to be told more.
func (route Route) method(r *http.Request) (m Method, ok bool) {
	verb := r.Method
	if verb == http.MethodHead {
		verb = http.MethodGet
	}
	action := r.PathValue("action")
	at := slices.IndexFunc(route.Methods, func(m Method) bool { return m.Verb == verb && m.Action == action })
	if at >= 0 {
		return route.Methods[at], true
	}
	return route.Methods[0], false
}

// actions returns what may stand for {action} in the path.
func (route Route) actions() []string {
	return each(route.Methods, func(m Method) string { return m.Action })
}

// verbs returns the verbs of a path's methods.
func (route Route) verbs() []string {
	verbs := each(route.Methods, func(m Method) string { return m.Verb })
	slices.Sort(verbs)
	return slices.Compact(verbs)
}

// Path returns the path of an endpoint below Base, with its action.
func (m Method) Path(route Route) string { return strings.Replace(route.Path, "{action}", m.Action, 1) }

// Errors returns the statuses of the errors with which an endpoint may answer, sorted: those that follow from what it asks for, and those
// that it declares.
func (m Method) Errors(route Route) []int {
	kinds := []fault.Kind{fault.Internal, fault.Unavailable}
	add := func(when bool, more ...fault.Kind) {
		if when {
			kinds = append(kinds, more...)
		}
	}
	add(true, m.Fails...)
	add(!m.Lenient || m.Body != nil || len(m.Query) > 0, fault.Invalid)
	add(!route.Public, fault.Unauthorized, fault.RateLimited)
	add(m.Scope != "", fault.Forbidden)
	add(route.Alone == "" || strings.Contains(route.Path, "{"), fault.NotFound)
	add(m.Verb != http.MethodGet, fault.TooLarge)
	statuses := each(kinds, func(k fault.Kind) int {
		status, _, _ := StatusOf(k)
		return status
	})
	slices.Sort(statuses)
	return slices.Compact(statuses)
}

// key names an endpoint among those of a path: its verb, or its verb and its action.
func (m Method) key() string { return strings.TrimSuffix(m.Verb+" "+m.Action, " ") }
