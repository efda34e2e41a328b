package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
)

// errUnprepared is the error for a request whose circumstances the command cannot make.
var errUnprepared = errors.New("what the request is about cannot be prepared")

// world is a fresh simulator with what a pair needs.
type world struct {
	sim    *notionsim.Sim
	home   string            // the page in which everything stands
	source string            // the data source that pages are related to
	known  map[string]string // ids of this workspace by those of the recorded one
	people []string          // those who stand for nobody yet
}

func newWorld() (*world, error) {
	sim, err := notionsim.New(notionsim.Config{Demo: true})
	if err != nil {
		return nil, err
	}
	w := &world{sim: sim, known: make(map[string]string)}
	users, err := w.do("GET /v1/users", nil)
	if err != nil {
		return nil, errors.Join(err, sim.Close())
	}
	for _, u := range list(users["results"]) {
		if object(u)["type"] == "person" {
			w.people = append(w.people, text(object(u)["id"]))
		}
	}
	for _, id := range sim.Databases() {
		database, err := w.do("GET /v1/databases/"+id, nil)
		if err != nil {
			return nil, errors.Join(err, sim.Close())
		}
		w.home = text(object(database["parent"])["page_id"])
	}
	return w, nil
}

func (w *world) close() error { return w.sim.Close() }

// answer is what came back.
type answer struct {
	status int
	raw    []byte
	body   any
}

// request sends a request as the bot, in a version of the API.
func (w *world) request(version, request string, body any) answer {
	method, path, _ := strings.Cut(request, " ")
	raw, err := json.Marshal(body)
	if err != nil || body == nil {
		raw = nil
	}
	r := httptest.NewRequestWithContext(context.Background(), method, path, bytes.NewReader(raw))
	r.Header.Set("Authorization", "Bearer "+notionsim.IntegrationToken)
	r.Header.Set("Notion-Version", version)
	recorder := httptest.NewRecorder()
	w.sim.ServeHTTP(recorder, r)
	a := answer{status: recorder.Code, raw: recorder.Body.Bytes()}
	a.body, _ = decode(a.raw) // what is no JSON has no body to compare
	return a
}

// do sends a request that must succeed.
func (w *world) do(request string, body any) (map[string]any, error) {
	a := w.request(latest, request, body)
	if a.status != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d: %s", request, a.status, clip(string(a.raw), 300))
	}
	return object(a.body), nil
}

// writeValue writes the value of a property to a page and gives what the page shows.
func (w *world) writeValue(kind string, sent, answered any) (any, error) {
	const name = "Value"
	example := map[string]any{"type": kind, kind: answered}
	parent, err := w.dataSource(map[string]any{name: example})
	if err != nil {
		return nil, err
	}
	sent, err = w.translate(sent)
	if err != nil {
		return nil, err
	}
	property := name
	if kind == "title" {
		property = "title"
	}
	page, err := w.do("POST /v1/pages", map[string]any{"parent": parent, "properties": map[string]any{property: map[string]any{kind: sent}}})
	if err != nil {
		return nil, err
	}
	for _, p := range object(page["properties"]) {
		if p := object(p); p["type"] == kind {
			return p[kind], nil
		}
	}
	return nil, fmt.Errorf("the page has no %s", kind)
}

// prepare makes what a request is about, and gives the request with the ids of this workspace.
func (w *world) prepare(request string, sent any, answered map[string]any) (path string, body any, err error) {
	method, path, _ := strings.Cut(request, " ")
	segments := strings.Split(strings.TrimPrefix(path, "/v1/"), "/")
	switch {
	case answered["object"] == "error":
		body, err = w.translate(sent)
		return request, body, err
	case request == "POST /v1/pages" || (segments[0] == "pages" && len(segments) == 2):
		path, err = w.preparePage(method, segments, object(sent), answered)
	case segments[0] == "data_sources" && len(segments) == 2 && method != http.MethodDelete:
		path, err = w.prepareSource(segments, object(sent), answered)
	case request == "POST /v1/databases" || request == "POST /v1/data_sources":
		err = w.prepareRelated(object(sent))
	default:
		return "", nil, fmt.Errorf("%w: %s", errUnprepared, request)
	}
	if err != nil {
		return "", nil, err
	}
	body, err = w.translate(sent)
	return method + " " + path, body, err
}

// preparePage makes the data source, and for all but a creation the page, that a request is about.
func (w *world) preparePage(method string, segments []string, sent, answered map[string]any) (string, error) {
	parent := map[string]any{"page_id": w.home}
	if recorded := object(answered["parent"]); recorded["type"] != "page_id" && recorded["type"] != "workspace" {
		made, err := w.dataSource(object(answered["properties"]))
		if err != nil {
			return "", err
		}
		parent = made
	}
	for _, key := range []string{"data_source_id", "database_id", "page_id"} {
		for _, from := range []map[string]any{object(sent["parent"]), object(answered["parent"])} {
			if id := text(from[key]); id != "" {
				w.note(id, text(parent[key]))
			}
		}
	}
	if method == http.MethodPost {
		return "/v1/pages", nil
	}
	page, err := w.page(parent, answered)
	w.note(segments[1], page)
	return "/v1/pages/" + page, err
}

// prepareSource makes the data source that a request changes.
func (w *world) prepareSource(segments []string, sent, answered map[string]any) (string, error) {
	before := make(map[string]any)
	shown := object(answered["properties"])
	for name, config := range shown {
		before[name] = config
	}
	for key, change := range object(sent["properties"]) {
		change := object(change)
		now := w.find(shown, key, text(change["name"]))
		switch {
		case change == nil: // removed by the request
			before[key] = map[string]any{"type": "rich_text"}
		case now == "": // the answer does not show what it became
			continue
		case text(change["name"]) != "" && key != text(object(shown[now])["id"]):
			delete(before, now)
			before[key] = shown[now]
		}
	}
	parent, err := w.dataSource(before)
	if err != nil {
		return "", err
	}
	if err := w.prepareRelated(sent); err != nil {
		return "", err
	}
	w.note(segments[1], text(parent["data_source_id"]))
	return "/v1/data_sources/" + text(parent["data_source_id"]), w.describe(parent, sent, answered)
}

// describe sets the title and the description of a data source that an answer shows and the request does not set.
func (w *world) describe(parent, sent, answered map[string]any) error {
	change := make(map[string]any)
	for _, member := range []string{"title", "description", "icon"} {
		if _, set := sent[member]; !set && answered[member] != nil {
			change[member] = writable(answered[member])
		}
	}
	_, err := w.do("PATCH /v1/data_sources/"+text(parent["data_source_id"]), change)
	return err
}

// find returns the name under which a schema shows a property that a request names.
func (w *world) find(shown map[string]any, key, renamed string) string {
	for name, p := range shown {
		if name == renamed || name == key || text(object(p)["id"]) == key {
			return name
		}
	}
	return ""
}

// prepareRelated makes what the relations of a request lead to, and the database or page in which it makes something.
func (w *world) prepareRelated(sent map[string]any) error {
	database, err := w.database(nil)
	if err != nil {
		return err
	}
	parent := object(sent["parent"])
	w.note(text(parent["page_id"]), w.home)
	w.note(text(parent["database_id"]), text(database["id"]))
	source := text(object(list(database["data_sources"])[0])["id"])
	for _, properties := range []any{sent["properties"], object(sent["initial_data_source"])["properties"]} {
		for _, p := range object(properties) {
			w.note(text(object(object(p)["relation"])["data_source_id"]), source)
		}
	}
	return nil
}

// note says which id of this workspace stands for a recorded one.
func (w *world) note(recorded, here string) {
	if recorded != "" && here != "" {
		if _, noted := w.known[plainID(recorded)]; !noted {
			w.known[plainID(recorded)] = here
		}
	}
}

func plainID(id string) string { return strings.ToLower(strings.ReplaceAll(id, "-", "")) }

// translate returns a body with the ids of this workspace: users become its person, and related and mentioned pages are made.
func (w *world) translate(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, member := range v {
			var err error
			if out[k], err = w.translate(member); err != nil {
				return nil, err
			}
			if id := text(member); id != "" && w.known[plainID(id)] != "" && strings.HasSuffix(k, "id") {
				out[k] = w.known[plainID(id)]
			}
		}
		if v["object"] == "user" {
			return map[string]any{"id": w.person(text(v["id"]))}, nil
		}
		for _, kind := range []string{"page", "database"} {
			if mentioned := object(object(v["mention"])[kind]); mentioned != nil {
				id, err := w.mentioned(kind, text(v["plain_text"]))
				out["mention"] = map[string]any{kind: map[string]any{"id": id}}
				return out, err
			}
		}
		if refs := list(v["relation"]); len(refs) > 0 {
			related, err := w.related(refs)
			if err != nil {
				return nil, err
			}
			out["relation"] = related
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			var err error
			if out[i], err = w.translate(element); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

// mentioned makes a page or a database with a title.
func (w *world) mentioned(kind, title string) (string, error) {
	body := map[string]any{"parent": map[string]any{"page_id": w.home}}
	words := []any{map[string]any{"text": map[string]any{"content": title}}}
	if kind == "page" {
		body["properties"] = map[string]any{"title": words}
	} else {
		body["title"] = words
	}
	made, err := w.do("POST /v1/"+kind+"s", body)
	return text(made["id"]), err
}

// related makes a page for each that a relation names.
func (w *world) related(refs []any) ([]any, error) {
	out := make([]any, len(refs))
	for i, ref := range refs {
		id := text(object(ref)["id"])
		if w.known[plainID(id)] == "" {
			page, err := w.do("POST /v1/pages", map[string]any{"parent": map[string]any{"data_source_id": w.source}})
			if err != nil {
				return nil, err
			}
			w.note(id, text(page["id"]))
		}
		out[i] = map[string]any{"id": w.known[plainID(id)]}
	}
	return out, nil
}

// person returns the id of the person in the workspace who stands for a recorded user.
func (w *world) person(recorded string) string {
	user := "user " + recorded
	if w.known[plainID(user)] == "" && len(w.people) > 0 {
		w.note(user, w.people[0])
		w.people = w.people[1:]
	}
	return w.known[plainID(user)]
}

// unlimited keeps the budget out of the way of a pair with many requests.
func (w *world) unlimited() error {
	return w.sim.SetOptions(func(o *notionsim.Options) { o.Budget = 0 })
}
