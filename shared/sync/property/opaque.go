package property

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Canonical returns the canonical JSON of anything that Notion answers: keys sorted, no white space, numbers by value, ids
// dashed, times of creation and edit as UTC, and without what changes although nobody changed it: request ids, signatures
// and expiry of file addresses, and the names and pictures of users. Its errors are fault.Invalid: raw is not JSON.
func Canonical(raw json.RawMessage) (Opaque, error) {
	return canonicalUnder("", raw)
}

// Same reports whether two JSON values have the same canonical JSON, but for what they have under the keys named. What is no JSON is the
// same as nothing.
func Same(a, b json.RawMessage, but ...string) bool {
	x, errX := settled(a, but)
	y, errY := settled(b, but)
	return errX == nil && errY == nil && equal(x, y)
}

// settled returns what the canonical JSON of a value shows, but for what it has under the keys named.
func settled(raw json.RawMessage, but []string) (any, error) {
	tree, err := parse(raw)
	if object, ok := tree.(map[string]any); ok {
		for _, key := range but {
			delete(object, key)
		}
	}
	return settle("", tree), err
}

// equal compares what was parsed of JSON.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, equal)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	default:
		return a == b
	}
}

// canonicalUnder is Canonical of a value that stands under key.
func canonicalUnder(key string, raw json.RawMessage) (Opaque, error) {
	tree, err := parse(raw)
	if err != nil {
		return nil, err
	}
	return marshal(settle(key, tree))
}

// parse reads one JSON value and keeps the spelling of its numbers.
func parse(raw json.RawMessage) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "Notion's answer is not JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Invalid, "Notion's answer is more than one JSON value.")
	}
	return tree, nil
}

// marshal writes JSON with sorted keys and without escapes that only HTML needs.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "a value cannot be written as JSON")
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// settle takes out of a tree what changes by itself.
func settle(key string, tree any) any {
	switch node := tree.(type) {
	case map[string]any:
		return settleObject(node)
	case []any:
		for i := range node {
			node[i] = settle("", node[i])
		}
		return node
	case json.Number:
		return canonicalNumber(node)
	case string:
		switch key {
		case "id":
			return canonicalRef(node)
		case "created_time", "last_edited_time":
			return canonicalInstant(node)
		}
	}
	return tree
}

func settleObject(node map[string]any) map[string]any {
	switch node["object"] {
	case "user", "group":
		return map[string]any{"object": node["object"], "id": settle("id", node["id"])}
	}
	if _, signed := node["expiry_time"]; signed {
		if address, ok := node["url"].(string); ok {
			node["url"] = unsigned(address)
		}
	}
	delete(node, "expiry_time")
	delete(node, "request_id")
	if node["type"] == string(RunMention) {
		delete(node, "plain_text")
		delete(node, "href")
	}
	if start, ok := node["start"].(string); ok {
		node["start"] = canonicalTime(start)
	}
	if end, ok := node["end"].(string); ok {
		node["end"] = canonicalTime(end)
	}
	for key, child := range node {
		node[key] = settle(key, child)
	}
	return node
}

// unsigned returns the address of a hosted file without the part that is signed and expires.
func unsigned(address string) string {
	bare, _, _ := strings.Cut(address, "?")
	return bare
}

// canonicalNumber returns a number's one spelling. A whole number has all its digits; one that no double can hold stays
// as it is.
func canonicalNumber(n json.Number) json.Number {
	f, err := n.Float64()
	switch {
	case err != nil:
		return n
	case f == 0:
		return "0"
	case !strings.ContainsAny(n.String(), ".eE"):
		return n
	case f == math.Trunc(f):
		return json.Number(strconv.FormatFloat(f, 'f', -1, 64)) // as jsonb spells 2e+21
	}
	short, err := json.Marshal(f)
	if err != nil {
		return n
	}
	return json.Number(short)
}

// parseNumber reads a number as Notion keeps it, a double.
func parseNumber(n json.Number) (Number, error) {
	f, err := strconv.ParseFloat(n.String(), 64)
	if err != nil {
		return 0, fault.New(fault.Invalid, "the number %.40s is more than a double holds.", n.String())
	}
	if f == 0 { // -0 is 0
		return 0, nil
	}
	return Number(f), nil
}
