package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// dataSource makes a database whose data source has the properties that examples show: values as a page has them, or a schema's. It
// gives the parent of pages in it.
func (w *world) dataSource(examples map[string]any) (map[string]any, error) {
	if err := w.unlimited(); err != nil {
		return nil, err
	}
	properties := make(map[string]any)
	var relations, rollups, others []string
	titled := false
	for _, name := range slices.Sorted(maps.Keys(examples)) {
		example := object(examples[name])
		switch kind := text(example["type"]); kind {
		case "relation":
			relations = append(relations, name)
		case "rollup":
			rollups = append(rollups, name)
		case "title":
			titled = true
			properties[name] = map[string]any{"title": map[string]any{}}
		default:
			if config, ok := configured(kind, example[kind]); ok {
				properties[name] = map[string]any{kind: config}
			} else {
				others = append(others, name)
			}
		}
	}
	if !titled {
		properties["Name"] = map[string]any{"title": map[string]any{}}
	}
	database, err := w.database(properties)
	if err != nil {
		return nil, err
	}
	w.source = text(object(list(database["data_sources"])[0])["id"])
	for _, name := range relations {
		config := object(object(examples[name])["relation"])
		way := "single_property"
		if config["type"] == "dual_property" {
			way = "dual_property"
		}
		if err := w.add(name, "relation", map[string]any{"data_source_id": w.source, way: map[string]any{}}); err != nil {
			return nil, err
		}
	}
	for _, name := range rollups {
		config := object(object(examples[name])["rollup"])
		along := text(config["relation_property_name"])
		if !slices.Contains(relations, along) {
			return nil, fmt.Errorf("%w: the rollup %s follows a relation that does not show", errUnprepared, name)
		}
		if err := w.add(name, "rollup", map[string]any{"relation_property_name": along, "rollup_property_id": "title", "function": config["function"]}); err != nil {
			return nil, err
		}
	}
	for _, name := range others {
		if err := w.sim.AddProperty(text(database["id"]), name, text(object(examples[name])["type"]), nil); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", errUnprepared, name, err)
		}
	}
	return map[string]any{"data_source_id": w.source, "database_id": text(database["id"]), "page_id": w.home}, nil
}

// add adds another property to the data source.
func (w *world) add(name, kind string, config any) error {
	_, err := w.do("PATCH /v1/data_sources/"+w.source, map[string]any{"properties": map[string]any{name: map[string]any{kind: config}}})
	return err
}

func (w *world) database(properties map[string]any) (map[string]any, error) {
	body := map[string]any{"parent": map[string]any{"page_id": w.home}}
	if properties != nil {
		body["initial_data_source"] = map[string]any{"properties": properties}
	}
	return w.do("POST /v1/databases", body)
}

// configured returns the configuration of a property of a type with which it can hold an example; false where a request cannot make it.
func configured(kind string, example any) (map[string]any, bool) {
	config := object(example)
	switch kind {
	case "select", "multi_select", "status":
		options := []any{}
		for _, o := range append(list(example), append(list(config["options"]), example)...) {
			if name := text(object(o)["name"]); name != "" {
				options = append(options, map[string]any{"name": name, "color": object(o)["color"]})
			}
		}
		return map[string]any{"options": options}, true
	case "unique_id":
		if prefix := text(config["prefix"]); prefix != "" {
			return map[string]any{"prefix": prefix}, true
		}
		return map[string]any{}, true
	case "formula":
		if written := text(config["expression"]); written != "" && !strings.Contains(written, "{{") {
			return map[string]any{"expression": written}, true
		} else if written != "" { // names properties by what is no id here
			return map[string]any{"expression": "1"}, true
		}
		expression, ok := constant(config)
		return map[string]any{"expression": expression}, ok
	case "number":
		if format := text(config["format"]); format != "" {
			return map[string]any{"format": format}, true
		}
		return map[string]any{}, true
	case "rich_text", "date", "url", "email", "phone_number", "people", "files", "checkbox", "created_time", "created_by",
		"last_edited_time", "last_edited_by", "place":
		return map[string]any{}, true
	default:
		return nil, false
	}
}

// constant returns a formula whose result is a recorded one.
func constant(result map[string]any) (string, bool) {
	switch v := result[text(result["type"])].(type) {
	case string:
		return strconv.Quote(v), result["type"] == "string"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	default:
		return "1", false
	}
}

// page makes a page with the values, the icon and the cover that a recorded one shows.
func (w *world) page(parent map[string]any, recorded map[string]any) (string, error) {
	values := make(map[string]any)
	hosted := make(map[string]json.RawMessage)
	for name, p := range object(recorded["properties"]) {
		p := object(p)
		kind := text(p["type"])
		if kind == "files" {
			raw, err := json.Marshal(files(list(p["files"])))
			if err != nil {
				return "", err
			}
			hosted[name] = raw
			continue
		}
		if settable(kind) {
			values[name] = map[string]any{kind: writable(p[kind])}
		}
	}
	body, err := w.translate(map[string]any{"properties": values})
	if err != nil {
		return "", err
	}
	created := object(body)
	created["parent"] = map[string]any{"data_source_id": parent["data_source_id"]}
	if parent["data_source_id"] == nil {
		created["parent"] = map[string]any{"page_id": w.home}
	}
	if icon := object(recorded["icon"]); icon != nil && icon["type"] != "file" {
		created["icon"] = icon
	}
	if cover := object(recorded["cover"]); cover["type"] == "external" {
		created["cover"] = cover
	}
	page, err := w.do("POST /v1/pages", created)
	if err != nil {
		return "", err
	}
	id := text(page["id"])
	if len(hosted) > 0 {
		err = w.sim.SetValues(id, hosted)
	}
	return id, err
}

// settable reports whether a page can be given a value of a type.
func settable(kind string) bool {
	switch kind {
	case "title", "rich_text", "number", "select", "status", "multi_select", "checkbox", "date", "url", "email", "phone_number", "people",
		"relation", "place":
		return true
	default:
		return false
	}
}

// writable returns a value that an answer shows as a request may write it: without ids of options and what a text shows beside its
// content.
func writable(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = writable(element)
		}
		return out
	case map[string]any:
		if name, ok := v["name"]; ok && v["color"] != nil { // an option
			return map[string]any{"name": name}
		}
		if v["type"] == "mention" {
			return mention(v)
		}
		if link, ok := v["link"]; ok && link == nil {
			return map[string]any{"content": v["content"]}
		}
		if _, styled := v["annotations"]; styled {
			kind := text(v["type"])
			return map[string]any{"type": kind, kind: writable(v[kind]), "annotations": v["annotations"]}
		}
		return v
	}
	return v
}

// mention returns a mention as a request may write it, and as text where none may.
func mention(v map[string]any) any {
	target := object(v["mention"])
	kind := text(target["type"])
	switch kind {
	case "date", "user", "template_mention":
		return map[string]any{"type": "mention", "mention": map[string]any{kind: target[kind]}, "annotations": v["annotations"]}
	case "page", "database":
		return map[string]any{
			"type": "mention", "mention": map[string]any{kind: target[kind]}, "annotations": v["annotations"], "plain_text": v["plain_text"],
		}
	default:
		return map[string]any{"type": "text", "text": map[string]any{"content": v["plain_text"]}, "annotations": v["annotations"]}
	}
}

// files returns files as the simulator is given them.
func files(shown []any) []any {
	out := []any{}
	for _, f := range shown {
		f := object(f)
		entry := map[string]any{"name": f["name"]}
		if external := object(f["external"]); external != nil {
			entry["url"] = external["url"]
		} else {
			entry["path"] = "recorded/" + text(f["name"])
		}
		out = append(out, entry)
	}
	return out
}
