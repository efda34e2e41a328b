package property

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// recorded holds answers of the real API, outside the repository.
const recorded = "../../../../shared/data/notion-recorded"

// recordedProperty is one property of a page as the real API sent it.
type recordedProperty struct {
	file, name string
	raw        json.RawMessage
}

// rewritten reads the property, and writes it back where it may be written; else request is nil.
func (r recordedProperty) rewritten() (p Property, request json.RawMessage, err error) {
	if p, err = Decode(r.raw); err != nil || p.Type == "" || !p.Type.Writable() {
		return p, nil, err
	}
	request, err = Encode(p.Type, p.Value)
	return p, request, err
}

// recordings collects every property value in the recorded answers.
func recordings(t *testing.T) (files int, found []recordedProperty) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(recorded, "*.json"))
	switch {
	case err != nil:
		t.Fatal(err)
	case len(paths) == 0 && os.Getenv("CI") == "true":
		t.Fatal("the recordings are absent, and CI cannot do without them")
	case len(paths) == 0:
		t.Skip("the recordings are absent: nothing to read")
	}
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Canonical(body); err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
		}
		found = append(found, propertiesIn(filepath.Base(path), body)...)
	}
	return len(paths), found
}

// propertiesIn finds the property values of pages and of the property-item endpoint anywhere in a body.
func propertiesIn(file string, body json.RawMessage) []recordedProperty {
	var list []json.RawMessage
	if json.Unmarshal(body, &list) == nil {
		var found []recordedProperty
		for _, item := range list {
			found = append(found, propertiesIn(file, item)...)
		}
		return found
	}
	var object struct {
		Object     string                     `json:"object"`
		Properties map[string]json.RawMessage `json:"properties"`
		Results    []json.RawMessage          `json:"results"`
		Item       json.RawMessage            `json:"property_item"`
	}
	if json.Unmarshal(body, &object) != nil {
		return nil
	}
	var found []recordedProperty
	switch object.Object {
	case "page":
		for name, raw := range object.Properties {
			found = append(found, recordedProperty{file, name, raw})
		}
		slices.SortFunc(found, func(a, b recordedProperty) int { return strings.Compare(a.name, b.name) })
	case "property_item":
		found = append(found, recordedProperty{file, "property_item", body})
	case "list":
		for _, result := range object.Results {
			found = append(found, propertiesIn(file, result)...)
		}
		if object.Item != nil {
			found = append(found, recordedProperty{file, "property_item", object.Item})
		}
	}
	return found
}

// TestRecorded reads every recorded property, writes back each that may be written, and holds the request against what
// the answer said. Notion's own description of its requests judges them in recorded_conformance_test.go.
func TestRecorded(t *testing.T) {
	t.Parallel()
	files, found := recordings(t)
	byType := map[Type]int{}
	written := 0
	for _, r := range found {
		p, request, err := r.rewritten()
		if err != nil {
			t.Errorf("%s %s: %v\n%s", r.file, r.name, err, r.raw)
			continue
		}
		byType[p.Type]++
		if request == nil {
			continue
		}
		written++
		if lost := lostLeaves(t, p.Type, r.raw, request); len(lost) > 0 {
			t.Errorf("%s %s: the request lacks %v\n%s\n%s", r.file, r.name, lost, r.raw, request)
		}
		again, err := Decode(answer(t, p.ID, p.Type, request))
		if err != nil || !Equal(again.Value, p.Value) {
			t.Errorf("%s %s: came back as %#v, %v\n%s", r.file, r.name, again.Value, err, r.raw)
		}
	}
	types := make([]string, 0, len(byType))
	for t, n := range byType {
		if t == "" {
			t = "only an id"
		}
		types = append(types, fmt.Sprintf("%s %d", t, n))
	}
	slices.Sort(types)
	t.Logf("%d files, %d properties read, %d written back: %s", files, len(found), written, strings.Join(types, ", "))
	if written == 0 {
		t.Error("no recording held a writable property")
	}
}
