// Package schematest holds events against the JSON Schemas that are published for them.
package schematest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/act-platform/enhanced-integration/shared/events/event"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// Dir returns the folder of the schemas.
func Dir() string {
	_, file, _, _ := runtime.Caller(0) // a source file knows where it is
	return filepath.Join(filepath.Dir(file), "..", "..", "events", "event", "schema")
}

// Schemas are the schemas by type.
type Schemas map[event.Type]*jsonschema.Schema

// Load returns every schema. A property that a schema does not name is an error, so that none goes undocumented, unless the schema says
// that there may be others.
func Load(tb testing.TB) Schemas {
	tb.Helper()
	schemas, err := compiled()
	if err != nil {
		tb.Fatal(err)
	}
	return schemas
}

// compiled are the schemas, which are dear to compile, once a process.
//
//nolint:gochecknoglobals // a constant that has to be read
var compiled = sync.OnceValues(func() (Schemas, error) {
	schemas := Schemas{}
	for _, t := range event.Types() {
		schema, err := compile(filepath.Join(Dir(), string(t)+".json"))
		if err != nil {
			return nil, err
		}
		schemas[t] = schema
	}
	return schemas, nil
})

func compile(file string) (*jsonschema.Schema, error) {
	data, err := os.ReadFile(file) //nolint:gosec // our own
	if err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	object, _ := document.(map[string]any)
	if _, said := object["additionalProperties"]; !said {
		object["additionalProperties"] = false
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource(file, object); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return compiler.Compile(file)
}

// CheckStored has every event that a test leaves in a database checked when the test ends.
func CheckStored(tb testing.TB, pool *postgres.Pool) {
	tb.Helper()
	tb.Cleanup(func() {
		rows, err := pool.Query(context.WithoutCancel(tb.Context()), `
			select distinct on (type, keys) type, data from integration.events,
			lateral (select array_agg(k order by k) as keys from jsonb_object_keys(data) k) named order by type, keys`)
		if err != nil {
			tb.Error(err)
			return
		}
		schemas := Load(tb)
		var kind event.Type
		var data json.RawMessage
		if _, err := pgx.ForEachRow(rows, []any{&kind, &data}, func() error {
			schemas.Check(tb, kind, data)
			return nil
		}); err != nil {
			tb.Error(err)
		}
	})
}

// Check fails the test when an event's data is not as its schema says.
func (s Schemas) Check(tb testing.TB, t event.Type, data json.RawMessage) {
	tb.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		tb.Fatal(err)
	}
	if s[t] == nil {
		tb.Errorf("there is no schema of %s", t)
	} else if err := s[t].Validate(value); err != nil {
		tb.Errorf("%s: %v\n%s", t, err, data)
	}
}
