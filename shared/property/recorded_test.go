package property

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

// outside is the folder beside the repository that holds what is not committed to it.
const outside = "../../../shared"

// require gives the path of something outside; where it is absent the test cannot judge, which only a desk may let pass.
func require(t *testing.T, path string) string {
	t.Helper()
	full := filepath.Join(outside, path)
	if _, err := os.Stat(full); errors.Is(err, fs.ErrNotExist) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is absent, and CI cannot do without it", path)
		}
		t.Skipf("%s is absent: nothing to judge by", path)
	}
	return full
}

// recordedProperty is one property of a page as the real API sent it.
type recordedProperty struct {
	file, name string
	raw        json.RawMessage
}

// recordings collects every property value in the recorded answers.
func recordings(t *testing.T) (files int, found []recordedProperty) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(require(t, "data/notion-recorded"), "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, path := range paths {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
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
// the answer said and against Notion's own description of its requests.
func TestRecorded(t *testing.T) {
	t.Parallel()
	files, found := recordings(t)
	byType, requests := map[Type]int{}, map[string][]string{}
	written := 0
	for _, r := range found {
		p, err := Decode(r.raw)
		if err != nil {
			t.Errorf("%s %s: %v\n%s", r.file, r.name, err, r.raw)
			continue
		}
		byType[p.Type]++
		if p.Type == "" || !p.Type.Writable() {
			continue
		}
		request, err := Encode(p.Type, p.Value)
		if err != nil {
			t.Errorf("%s %s: %v\n%s", r.file, r.name, err, r.raw)
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
		requests[r.file] = append(requests[r.file], fmt.Sprintf(`"%d":%s`, len(requests[r.file]), request))
	}
	notion := newRequestJudge(t)
	for file, properties := range requests {
		notion.judge(t, file, strings.Join(properties, ","))
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

// requestJudge holds requests against Notion's OpenAPI document.
type requestJudge struct{ document validator.Validator }

func newRequestJudge(t *testing.T) requestJudge {
	t.Helper()
	text, err := os.ReadFile(require(t, "facts/notion-openapi.trimmed.json"))
	if err != nil {
		t.Fatal(err)
	}
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return requestJudge{v}
}

// judge sends properties in an update and in a creation.
func (j requestJudge) judge(t *testing.T, file, properties string) {
	t.Helper()
	j.request(t, file, http.MethodPatch, "/v1/pages/"+pageID, fmt.Sprintf(`{"properties":{%s}}`, properties))
	j.request(t, file, http.MethodPost, "/v1/pages", fmt.Sprintf(`{"parent":{"data_source_id":%q},"properties":{%s}}`, pageID, properties))
}

func (j requestJudge) request(t *testing.T, file, method, path, body string) {
	t.Helper()
	r := httptest.NewRequest(method, "https://api.notion.com"+path, bytes.NewBufferString(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Notion-Version", "2026-03-11")
	r.Header.Set("Authorization", "Bearer secret")
	if ok, errs := j.document.ValidateHttpRequestSync(r); !ok {
		t.Errorf("%s: %s %s is refused: %v\n%s", file, method, path, errs, body)
	}
}
