package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// difference is a place where two answers are not the same.
type difference struct{ path, expected, got string }

// compare returns where an answer differs from the recorded one in shape or in value. What is different each time counts as the same
// where it is of the same kind.
func compare(want, got any) []difference { return walk("", "", want, got) }

func walk(path, key string, want, got any) []difference {
	want, got = settle(key, want), settle(key, got)
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		var all []difference
		names := maps.Clone(w)
		maps.Copy(names, g)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			expected, has := w[name]
			actual, gets := g[name]
			at := strings.TrimPrefix(path+"."+name, ".")
			switch {
			case !has:
				all = append(all, difference{at, "nothing", show(actual)})
			case !gets:
				all = append(all, difference{at, show(expected), "nothing"})
			default:
				all = append(all, walk(at, name, expected, actual)...)
			}
		}
		return all
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			break
		}
		var all []difference
		for i := range w {
			all = append(all, walk(fmt.Sprintf("%s[%d]", path, i), key, w[i], g[i])...)
		}
		return all
	}
	if show(want) == show(got) {
		return nil
	}
	return []difference{{path, show(want), show(got)}}
}

// settle returns a value without what is different each time.
func settle(key string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		switch {
		case v["object"] == "user": // whose names, and how much of them, are the workspace's
			return "a user"
		case v["expiry_time"] != nil: // a hosted file has another address each time
			return "a hosted file"
		case object(v["mention"])["user"] != nil:
			v = maps.Clone(v)
			v["plain_text"] = "@somebody"
		}
		return v
	case string:
		if volatile(key) {
			return "something"
		}
		if key == "url" {
			return address(v)
		}
		if strings.HasPrefix(v, "Could not find ") { // names the id and the integration
			kind, _, _ := strings.Cut(v, " with ID")
			return kind
		}
	}
	return v
}

// volatile reports whether what stands under a key is different each time.
func volatile(key string) bool {
	switch key {
	case "id", "request_id", "created_time", "last_edited_time", "expiry_time", "next_cursor", "database_id", "data_source_id", "page_id",
		"synced_property_id", "rollup_property_id", "relation_property_id", "integration_id", "href":
		return true
	default:
		return false
	}
}

// address returns an address without its signature, and what Notion makes of an id as nothing but that.
func address(url string) string {
	for _, own := range []string{"https://www.notion.so/", "https://app.notion.com/"} {
		if strings.HasPrefix(url, own) {
			return "one of Notion's"
		}
	}
	plain, _, _ := strings.Cut(url, "?")
	return plain
}

func show(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return clip(string(raw), 200)
}

func decode(raw []byte) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var v any
	err := json.Unmarshal(raw, &v)
	return v, err
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
