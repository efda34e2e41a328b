//go:build conformance

package openapitest

import (
	"maps"
	"slices"
	"strings"
)

// repair mends what keeps the document from accepting what Notion itself sends, as others recorded it, and changes nothing
// else.
//
// It closes composed objects the wrong way: members of an allOf forbid whatever they do not name themselves, so that no object
// can ever satisfy two of them. Here the members are open and the whole is closed, which is what was meant.
//
// And it does not name a few members that Notion sends: see unnamed. Nor does it know row_limit_exceeded, which is newer.
func repair(tree map[string]any) {
	r := repairer{schemas: object(object(tree["components"])["schemas"])}
	for name, members := range unnamed() {
		maps.Copy(object(object(r.schemas[name])["properties"]), members)
	}
	if refused, ok := object(r.schemas["error_api_400"])["allOf"].([]any); ok && len(refused) > 1 {
		code := object(object(object(refused[1])["properties"])["code"])
		codes, _ := code["enum"].([]any)
		code["enum"] = append(slices.Clone(codes), "row_limit_exceeded")
	}
	for name, schema := range r.schemas {
		r.schemas[name] = r.close(schema)
	}
	object(r.schemas["pagePropertyValueWithIdResponse"])["unevaluatedProperties"] = false
	tree["paths"] = r.close(tree["paths"])
}

// unnamed gives, by schema, the members that Notion sends and the document does not name: request_id at the end of every
// answer, and has_more beside the related pages.
func unnamed() map[string]map[string]any {
	requestID := map[string]any{"request_id": map[string]any{"type": "string", "format": "uuid"}}
	return map[string]map[string]any{
		"pageObjectResponse":                      requestID,
		"dataSourceObjectResponse":                requestID,
		"databaseObjectResponse":                  requestID,
		"userObjectResponseCommon":                requestID,
		"publicApiCommonErrorResponse":            requestID,
		"relationArrayBasedPropertyValueResponse": {"has_more": map[string]any{"type": "boolean"}},
	}
}

type repairer struct{ schemas map[string]any }

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// close returns a copy of a part of the document in which composed objects are closed as a whole.
func (r repairer) close(part any) any {
	switch part := part.(type) {
	case map[string]any:
		out := make(map[string]any, len(part))
		for k, v := range part {
			out[k] = r.close(v)
		}
		if members, ok := part["allOf"].([]any); ok {
			opened := make([]any, len(members))
			closed := false
			for i, m := range members {
				opened[i] = r.open(m)
				closed = closed || r.closed(m)
			}
			out["allOf"] = opened
			if closed {
				out["unevaluatedProperties"] = false
			}
		}
		return out
	case []any:
		out := make([]any, len(part))
		for i, v := range part {
			out[i] = r.close(v)
		}
		return out
	default:
		return part
	}
}

// open returns a member of an allOf that no longer forbids what it does not name, through whatever it is composed of.
func (r repairer) open(member any) any {
	m := object(member)
	if ref, ok := m["$ref"].(string); ok {
		return r.open(r.schemas[strings.TrimPrefix(ref, "#/components/schemas/")])
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = r.close(v)
	}
	if out["additionalProperties"] == false {
		delete(out, "additionalProperties")
	}
	for _, k := range []string{"allOf", "oneOf", "anyOf"} {
		if members, ok := m[k].([]any); ok {
			opened := make([]any, len(members))
			for i, inner := range members {
				opened[i] = r.open(inner)
			}
			out[k] = opened
		}
	}
	return out
}

// closed reports whether a member of an allOf forbids what it does not name.
func (r repairer) closed(member any) bool {
	m := object(member)
	if ref, ok := m["$ref"].(string); ok {
		return r.closed(r.schemas[strings.TrimPrefix(ref, "#/components/schemas/")])
	}
	if m["additionalProperties"] == false {
		return true
	}
	for _, k := range []string{"allOf", "oneOf", "anyOf"} {
		members, _ := m[k].([]any)
		if slices.ContainsFunc(members, r.closed) {
			return true
		}
	}
	return false
}

// knownTypes returns the types of property that the document knows in a page and in a schema. Notion has more, and says that there
// will be more.
func knownTypes(tree map[string]any) map[string]map[string]bool {
	schemas := object(object(tree["components"])["schemas"])
	known := map[string]map[string]bool{"page": {}, "schema": {}}
	for name, schema := range schemas {
		var kind string
		switch {
		case strings.HasSuffix(name, "DatabasePropertyConfigResponse"):
			kind = "schema"
		case strings.HasSuffix(name, "PropertyValueResponse"), name == "partialRollupPropertyResponse":
			kind = "page"
		default:
			continue
		}
		if t, ok := object(object(object(schema)["properties"])["type"])["const"].(string); ok {
			known[kind][t] = true
		}
	}
	return known
}
