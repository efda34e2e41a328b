package api

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// How many events GET /events gives, and how many filters it takes.
const (
	eventsUsual = 50
	filtersMost = 50
)

type eventShown struct {
	ID        string          `json:"id"`
	Type      event.Type      `json:"type"`
	Source    event.System    `json:"source_system"`
	Target    event.System    `json:"target_system"`
	Data      json.RawMessage `json:"data"`
	Timestamp string          `json:"timestamp"`
	TraceID   string          `json:"trace_id,omitempty"`
}

func shown(events []event.Event) []eventShown {
	list := make([]eventShown, len(events))
	for i, e := range events {
		list[i] = eventShown{e.ID, e.Type, e.Source, e.Target, e.Data, stamp(e.Timestamp), e.TraceID}
	}
	return list
}

// eventFilters repeats the filters in the answer.
type eventFilters struct {
	Limit  int          `json:"limit"`
	Types  []string     `json:"event_type,omitempty"`
	Source event.System `json:"source_system,omitempty"`
	Since  *string      `json:"since,omitempty"`
}

type eventList struct {
	Envelope
	Events  []eventShown `json:"events"`
	Total   int          `json:"total_events"`
	Filters eventFilters `json:"filters"`
	Next    *string      `json:"next_cursor"`
}

func eventsRoute() Route {
	return Route{Path: "/events", Function: "events-list", Group: Webhooks, Methods: []Method{{
		Verb: http.MethodGet, Scope: access.Read, Does: "Lists events, newest first. `event_type=sync_*` matches a prefix.",
		Query: []Parameter{
			limitParameter(),
			{"event_type", []string{}, "Only these types, or prefixes with a star; several with commas between them."},
			{"source_system", event.System(""), "Only from this system."},
			sinceParameter(), cursorParameter(),
		},
		Answers: []Answer{{http.StatusOK, eventList{}}},
	}}}
}

// Events answers GET /events.
func (a API) Events(events EventLister) http.Handler {
	return a.serve(eventsRoute(), endpoints{http.MethodGet: func(r *http.Request) (int, any, error) {
		filter, given, err := eventFilter(r.URL.Query())
		if err != nil {
			return 0, nil, err
		}
		page, err := events.List(r.Context(), filter)
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, eventList{a.ok(), shown(page.Events), page.Total, given, placeOrNull(page.Next)}, nil
	}})
}

func eventFilter(values url.Values) (event.Filter, eventFilters, error) {
	var f event.Filter
	var err error
	fail := func(err error) (event.Filter, eventFilters, error) { return event.Filter{}, eventFilters{}, err }
	if f.Limit, err = limitOf(values, eventsUsual); err != nil {
		return fail(err)
	}
	given := eventFilters{Limit: f.Limit}
	if f.Types, given.Types, err = eventTypes(values["event_type"]); err != nil {
		return fail(err)
	}
	source, err := one(values, "source_system")
	if err != nil {
		return fail(err)
	}
	if f.Source = event.System(source); values.Has("source_system") && !slices.Contains(event.Systems(), f.Source) {
		return fail(fault.New(fault.Invalid, "source_system must be %s.", fault.OneOf(event.Systems())))
	}
	given.Source = f.Source
	if f.Since, err = since(values); err != nil {
		return fail(err)
	}
	given.Since = stampOrNull(f.Since)
	if f.Before, err = before(values); err != nil {
		return fail(err)
	}
	return f, given, nil
}

// eventTypes reads filters, each a type, a beginning with a star, or several of them with commas.
func eventTypes(given []string) (types []event.Type, filters []string, err error) {
	for _, g := range given {
		filters = append(filters, strings.Split(g, ",")...)
		if len(filters) > filtersMost {
			return nil, nil, fault.New(fault.Invalid, "event_type may name %d filters at the most.", filtersMost)
		}
	}
	for i, filter := range filters {
		filters[i] = strings.TrimSpace(filter)
		matched := event.Match(filters[i])
		if len(matched) == 0 {
			return nil, nil, fault.New(fault.Invalid, "There is no event type %.50q; there are %s, and beginnings with a star such as sync_*.", filters[i], orNone(event.Types()))
		}
		types = append(types, matched...)
	}
	slices.Sort(types)
	return slices.Compact(types), filters, nil
}

func cursorOf(place int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(place, 10)))
}

// placeOrNull returns the cursor of a place, null for none.
func placeOrNull(place int64) *string {
	if place == 0 {
		return nil
	}
	cursor := cursorOf(place)
	return &cursor
}

// placed reads what lists that are paged by place are filtered by.
func (a API) placed(values url.Values) (kind string, limit int, after int64, err error) {
	if limit, err = limitOf(values, foundUsual); err != nil {
		return "", 0, 0, err
	}
	if kind, err = one(values, "database"); err != nil {
		return "", 0, 0, err
	}
	if err := a.knows(kind); err != nil {
		return "", 0, 0, err
	}
	after, err = before(values)
	return kind, limit, after, err
}

// before returns the place that the parameter cursor names, 0 when it is not there.
func before(values url.Values) (int64, error) {
	cursor, err := one(values, "cursor")
	if err != nil || !values.Has("cursor") {
		return 0, err
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	place, errNumber := strconv.ParseInt(string(text), 10, 64)
	if err != nil || errNumber != nil || place < 1 {
		return 0, fault.New(fault.Invalid, "cursor must be the next_cursor of an answer before.")
	}
	return place, nil
}
