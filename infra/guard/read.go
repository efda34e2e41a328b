// Package guard holds rules that the SAM template keeps, by walking over what is in it: what is added to the template is held by
// the same rules. It also tells which function may do what.
package guard

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Template is a template as it stands, intrinsic functions in their long form: !Ref x is a map of Ref to x.
type Template struct {
	Parameters map[string]Parameter
	Globals    map[string]object
	Resources  map[string]Resource
	Outputs    map[string]object
}

// Parameter is what a template asks for when it is deployed.
type Parameter struct {
	Description   string
	Default       any
	AllowedValues []any
	Constrained   bool // by a pattern, values, a length or a range
}

// Resource is an entry of Resources. A function's properties are merged with the template's globals.
type Resource struct {
	Type       string
	Attributes object // what stands beside Properties
	Properties object
}

type object = map[string]any

// Read reads a template. The error says where it is no template.
func Read(source []byte) (Template, error) {
	var file yaml.Node
	if err := yaml.Unmarshal(source, &file); err != nil {
		return Template{}, fmt.Errorf("read the template: %w", err)
	}
	if len(file.Content) == 0 {
		return Template{}, errors.New("the template is empty")
	}
	whole, err := plain(file.Content[0])
	if err != nil {
		return Template{}, err
	}
	t := Template{Parameters: map[string]Parameter{}, Globals: map[string]object{}, Resources: map[string]Resource{}, Outputs: map[string]object{}}
	for name, value := range child(child(whole, "Globals")) {
		t.Globals[name] = child(value)
	}
	for name, value := range child(child(whole, "Outputs")) {
		t.Outputs[name] = child(value)
	}
	for name, value := range child(child(whole, "Parameters")) {
		p := child(value)
		values, _ := p["AllowedValues"].([]any)
		t.Parameters[name] = Parameter{
			Description: text(p["Description"]), Default: p["Default"], AllowedValues: values,
			Constrained: values != nil || p["AllowedPattern"] != nil || p["MinValue"] != nil && p["MaxValue"] != nil,
		}
	}
	for id, value := range child(child(whole, "Resources")) {
		r := Resource{Type: text(child(value)["Type"]), Attributes: child(value), Properties: child(value, "Properties")}
		if r.Type == function {
			r.Properties = merged(t.Globals["Function"], r.Properties)
		}
		t.Resources[id] = r
	}
	return t, nil
}

// plain returns a node as maps, lists and scalars.
func plain(node *yaml.Node) (any, error) {
	if name, ok := strings.CutPrefix(node.Tag, "!"); ok && !strings.HasPrefix(name, "!") {
		bare := *node
		bare.Tag = ""
		argument, err := plain(&bare)
		if name != "Ref" && name != "Condition" {
			name = "Fn::" + name
		}
		if dotted, ok := argument.(string); ok && name == "Fn::GetAtt" {
			id, attribute, _ := strings.Cut(dotted, ".")
			argument = []any{id, attribute}
		}
		return object{name: argument}, err
	}
	switch node.Kind {
	case yaml.MappingNode:
		result := object{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			value, err := plain(node.Content[i+1])
			if err != nil {
				return nil, err
			}
			result[node.Content[i].Value] = value
		}
		return result, nil
	case yaml.SequenceNode:
		result := make([]any, len(node.Content))
		for i, item := range node.Content {
			var err error
			if result[i], err = plain(item); err != nil {
				return nil, err
			}
		}
		return result, nil
	default:
		var value any
		if err := node.Decode(&value); err != nil {
			return nil, fmt.Errorf("line %d: %w", node.Line, err)
		}
		return value, nil
	}
}

// merged returns own over global, map by map, as SAM merges globals.
func merged(global, own object) object {
	result := maps.Clone(global)
	if result == nil {
		result = object{}
	}
	for key, value := range own {
		below, ok := value.(object)
		above, too := result[key].(object)
		if ok && too && !intrinsic(below) && !intrinsic(above) {
			value = merged(above, below)
		}
		result[key] = value
	}
	return result
}

func intrinsic(o object) bool {
	for key := range o {
		return len(o) == 1 && (key == "Ref" || strings.HasPrefix(key, "Fn::"))
	}
	return false
}

// child returns the map at the end of a path; nil when there is none.
func child(value any, path ...string) object {
	here, _ := value.(object)
	for _, key := range path {
		here, _ = here[key].(object)
	}
	return here
}

// list returns value as a list: what is none is a list of one, nothing is none.
func list(value any) []any {
	switch value := value.(type) {
	case nil:
		return nil
	case []any:
		return value
	default:
		return []any{value}
	}
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

func number(value any) int {
	n, _ := value.(int)
	return n
}

// target returns the logical id that a !Ref or !GetAtt names; "" for anything else.
func target(value any) string {
	o := child(value)
	if at, ok := o["Fn::GetAtt"].([]any); ok && len(at) > 0 {
		return text(at[0])
	}
	id, _, _ := strings.Cut(text(o["Ref"]), ".")
	return id
}

// of returns the ids of the resources of a type, sorted.
func (t Template) of(kind string) []string {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		if t.Resources[id].Type == kind {
			ids = append(ids, id)
		}
	}
	return ids
}

// events returns a function's events of a type, sorted by id.
func (r Resource) events(kind string) (result []object) {
	events := child(r.Properties, "Events")
	for _, id := range slices.Sorted(maps.Keys(events)) {
		if text(child(events[id])["Type"]) == kind {
			result = append(result, child(events[id], "Properties"))
		}
	}
	return result
}
