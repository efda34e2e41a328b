package schematest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/internal/schematest"
)

// TestEverySchema: each type has one, with an example that fits it and stands in the docs; and there are no others.
func TestEverySchema(t *testing.T) {
	t.Parallel()
	schemas := schematest.Load(t)
	docs, err := os.ReadFile(filepath.Join(schematest.Dir(), "..", "..", "..", "..", "docs", "events.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range event.Types() {
		data, err := os.ReadFile(filepath.Join(schematest.Dir(), string(kind)+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var schema struct {
			Title, Description string
			Examples           []json.RawMessage
		}
		if err := json.Unmarshal(data, &schema); err != nil || schema.Title != string(kind) || len(schema.Examples) == 0 {
			t.Fatalf("%s: %+v, %v", kind, schema, err)
		}
		for _, example := range schema.Examples {
			schemas.Check(t, kind, example)
			if !documents(string(docs), kind, schema.Description, example) {
				t.Errorf("docs/events.md does not show %s as its schema does", kind)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(schematest.Dir(), "*"))
	if err != nil || len(files) != len(event.Types()) {
		t.Errorf("%d schemas for %d types, %v", len(files), len(event.Types()), err)
	}
}

// documents reports whether the docs show a type with its description and an example.
func documents(docs string, kind event.Type, description string, example json.RawMessage) bool {
	_, section, found := strings.Cut(docs, "### "+string(kind)+"\n\n"+description+"\n\n```json\n")
	shown, _, closed := strings.Cut(section, "\n```")
	var a, b any
	if !found || !closed || json.Unmarshal([]byte(shown), &a) != nil || json.Unmarshal(example, &b) != nil {
		return false
	}
	one, err := json.Marshal(a)
	other, errOther := json.Marshal(b)
	return err == nil && errOther == nil && string(one) == string(other)
}
