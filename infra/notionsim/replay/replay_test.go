package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/act-platform/enhanced-integration/infra/notionsim/openapitest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every recorded pair is answered as the real API answered it.
func TestRecordedPairs(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	if err := run(&table, false, filepath.Join(openapitest.Recordings(t), "pairs")); err != nil {
		t.Errorf("%v\n%s", err, table.String())
	}
	t.Log(table.String())
	if strings.Contains(table.String(), "0 agreed") {
		t.Error("nothing was compared")
	}
}

// Every page of the recordings can be made here, and shows the same.
func TestRecordedPages(t *testing.T) {
	t.Parallel()
	compared, left := 0, make(map[string]int)
	for _, r := range recorded(t, "page") {
		want := make(map[string]any)
		for name, p := range object(r.body["properties"]) {
			switch kind := text(object(p)["type"]); {
			case !settable(kind) && kind != "files":
				left[kind]++
			case unwritable(p):
				left[kind+" that cannot be written"]++
			case kind == "relation" && object(p)["has_more"] != false:
				left["relation that is cut, or of an older version"]++
			default:
				want[name] = p
			}
		}
		if len(want) == 0 {
			continue
		}
		w, err := newWorld()
		if err != nil {
			t.Fatal(err)
		}
		got, err := w.shown(r.body, want)
		if err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
		if err := w.close(); err != nil {
			t.Error(err)
		}
		for _, d := range compare(want, got) {
			t.Errorf("%s: %s: recorded %s, got %s", r.name, d.path, d.expected, d.got)
		}
		compared += len(want)
	}
	t.Logf("%d properties compared; left out: %v", compared, left)
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

// shown makes a page like a recorded one and gives some of its properties.
func (w *world) shown(page, want map[string]any) (map[string]any, error) {
	parent, err := w.dataSource(want)
	if err != nil {
		return nil, err
	}
	id, err := w.page(parent, map[string]any{"properties": want, "icon": page["icon"], "cover": page["cover"]})
	if err != nil {
		return nil, err
	}
	made, err := w.do("GET /v1/pages/"+id, nil)
	got := make(map[string]any)
	for name, p := range object(made["properties"]) {
		if want[name] != nil {
			got[name] = p
		}
	}
	return got, err
}

// Every data source of the recordings can be made here, and its schema has the same members.
func TestRecordedDataSources(t *testing.T) {
	t.Parallel()
	compared := 0
	for _, r := range recorded(t, "data_source") {
		want := object(r.body["properties"])
		maps.DeleteFunc(want, func(_ string, p any) bool {
			_, described := object(p)["description"]
			return text(object(p)["type"]) == "" || !described // of an older version
		})
		if len(want) == 0 {
			continue
		}
		w, err := newWorld()
		if err != nil {
			t.Fatal(err)
		}
		parent, err := w.dataSource(want)
		var made map[string]any
		if err == nil {
			made, err = w.do("GET /v1/data_sources/"+text(parent["data_source_id"]), nil)
		}
		if err != nil {
			t.Errorf("%s: %v", r.name, err)
		}
		if err := w.close(); err != nil {
			t.Error(err)
		}
		got := object(made["properties"])
		for name := range want {
			if expected, actual := shape(want[name]), shape(got[name]); !fits(expected, actual) {
				t.Errorf("%s: %s: recorded %s, got %s", r.name, name, show(expected), show(actual))
			}
			compared++
		}
	}
	t.Logf("%d properties compared", compared)
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

// recording is an object that the real API sent.
type recording struct {
	name string
	body map[string]any
}

// recorded returns the objects of a kind in all recordings, those in lists included.
func recorded(t *testing.T, kind string) []recording {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(openapitest.Recordings(t), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var found []recording
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		found = append(found, objects(filepath.Base(path), kind, v)...)
	}
	return found
}

func objects(name, kind string, v any) []recording {
	var found []recording
	for i, element := range append(list(v), list(object(v)["results"])...) {
		found = append(found, objects(fmt.Sprintf("%s[%d]", name, i), kind, element)...)
	}
	if object(v)["object"] == kind {
		found = append(found, recording{name, object(v)})
	}
	return found
}

// unwritable reports whether a text has a mention that no request can write.
func unwritable(p any) bool {
	for _, run := range list(object(p)[text(object(p)["type"])]) {
		if run := object(run); run["type"] == "mention" {
			switch text(object(run["mention"])["type"]) {
			case "user", "page", "database", "date", "template_mention":
			default:
				return true
			}
		}
	}
	return false
}

// shape returns the members of a value, and of a list those of its first element.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, member := range v {
			out[k] = shape(member)
		}
		return out
	case []any:
		if len(v) == 0 {
			return nil
		}
		return []any{shape(v[0])}
	case nil:
		return nil
	default:
		return fmt.Sprintf("%T", v)
	}
}

// fits reports whether two shapes are the same where both are known.
func fits(a, b any) bool {
	if a == nil || b == nil {
		return true
	}
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || !slices.Equal(slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b))) {
			return false
		}
		for k := range a {
			if !fits(a[k], b[k]) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && fits(a[0], b[0])
	default:
		return a == b
	}
}
