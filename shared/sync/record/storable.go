package record

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// Storable says why a field's column cannot store what it would show of v; nil where it can. Its errors are fault.Invalid.
func Storable(f mapping.Field, v property.Value) error {
	if column := Column(f, v); bytes.Contains(column, []byte(`\u0000`)) && holdsNUL(column) {
		return fault.New(fault.Invalid, "The text holds the character NUL, which Postgres cannot store: take it out.")
	}
	stored := f.Stored
	if stored == nil {
		column := property.ColumnOf(f.Column, f.ColumnType)
		stored = &column
	}
	_, err := stored.Hold(columnOf(f, v))
	return err
}

func holdsNUL(raw json.RawMessage) bool {
	var v any
	return json.Unmarshal(raw, &v) == nil && anyText(v, func(s string) bool { return strings.ContainsRune(s, 0) })
}

// anyText reports whether a text in a JSON value, or a key, is such.
func anyText(v any, is func(string) bool) bool {
	switch v := v.(type) {
	case string:
		return is(v)
	case []any:
		for _, e := range v {
			if anyText(e, is) {
				return true
			}
		}
	case map[string]any:
		for key, e := range v {
			if is(key) || anyText(e, is) {
				return true
			}
		}
	}
	return false
}

// Keepable returns a page's document as jsonb can keep it: NUL and halves of surrogate pairs, which it cannot, become U+FFFD. The properties
// that are in step are read before, and such a value is never taken for what the document says.
func Keepable(document json.RawMessage) json.RawMessage {
	if !bytes.Contains(document, []byte(`\u0000`)) && !bytes.Contains(bytes.ToLower(document), []byte(`\ud`)) {
		return document
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var tree any
	if decoder.Decode(&tree) != nil {
		return document
	}
	return encoded(withoutNUL(tree))
}

func withoutNUL(tree any) any {
	switch node := tree.(type) {
	case string:
		return strings.ReplaceAll(node, "\x00", "\ufffd")
	case []any:
		for i := range node {
			node[i] = withoutNUL(node[i])
		}
	case map[string]any:
		clean := make(map[string]any, len(node))
		for key, child := range node {
			clean[strings.ReplaceAll(key, "\x00", "\ufffd")] = withoutNUL(child)
		}
		return clean
	}
	return tree
}
