package template

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decode reads a resolved node into what into points to. A struct's fields are named as the keys are, or by a yaml tag; a key without
// a field is an error, unless it is ignored, and so is one that stands twice. What has no key keeps its value.
func decode(node *yaml.Node, path string, into any, ignored ...string) error {
	return assign(node, path, reflect.ValueOf(into).Elem(), ignored)
}

func assign(node *yaml.Node, path string, into reflect.Value, ignored []string) error {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if into.Type() == reflect.TypeFor[yaml.Node]() {
		into.Set(reflect.ValueOf(*node))
		return nil
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		return assign(node, path, into.Elem(), ignored)
	case reflect.Struct:
		return assignFields(node, path, into, ignored)
	case reflect.Map:
		into.Set(reflect.MakeMap(into.Type()))
		return eachKey(node, path, func(key string, value *yaml.Node, path string) error {
			element := reflect.New(into.Type().Elem()).Elem()
			if err := assign(value, path, element, nil); err != nil {
				return err
			}
			into.SetMapIndex(reflect.ValueOf(key), element)
			return nil
		})
	case reflect.Slice:
		if node.Kind != yaml.SequenceNode {
			return fail(node, path, "a list is needed here")
		}
		into.Set(reflect.MakeSlice(into.Type(), len(node.Content), len(node.Content)))
		for i, item := range node.Content {
			if err := assign(item, path+"."+strconv.Itoa(i), into.Index(i), nil); err != nil {
				return err
			}
		}
		return nil
	default:
		if node.Kind != yaml.ScalarNode || node.Decode(into.Addr().Interface()) != nil {
			return fail(node, path, "%s is needed here", noun(into.Kind()))
		}
		return nil
	}
}

func assignFields(node *yaml.Node, path string, into reflect.Value, ignored []string) error {
	fields := map[string]reflect.Value{}
	for i := range into.NumField() {
		field := into.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		if tag, ok := field.Tag.Lookup("yaml"); ok {
			fields[tag] = into.Field(i)
		} else {
			fields[field.Name] = into.Field(i)
		}
	}
	return eachKey(node, path, func(key string, value *yaml.Node, path string) error {
		if field, ok := fields[key]; ok {
			return assign(value, path, field, nil)
		}
		if slices.Contains(ignored, key) {
			return nil
		}
		return fail(value, path, "is not known to the local system")
	})
}

// eachKey calls visit for each entry of a mapping.
func eachKey(node *yaml.Node, path string, visit func(key string, value *yaml.Node, path string) error) error {
	if node.Kind != yaml.MappingNode {
		return fail(node, path, "a map is needed here")
	}
	var seen []string
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i].Value
		path := strings.TrimPrefix(path+"."+key, ".")
		if slices.Contains(seen, key) {
			return fail(node.Content[i], path, "stands twice")
		}
		seen = append(seen, key)
		if err := visit(key, node.Content[i+1], path); err != nil {
			return err
		}
	}
	return nil
}

// noun says in a template's words what a field takes.
func noun(kind reflect.Kind) string {
	switch kind {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	default:
		return "a number"
	}
}
