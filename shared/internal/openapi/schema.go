package openapi

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// schemas makes the JSON Schema of Go types. Named structs become components.
type schemas struct {
	source     *source
	components object
	made       map[string]reflect.Type // what each component was made of
}

// of returns the schema of a type. What is read is another schema than what is answered: there, every field may be left out unless it is
// tagged api:"required", and none may be added.
func (s *schemas) of(t reflect.Type, read bool) (object, error) {
	switch t {
	case reflect.TypeFor[json.RawMessage]():
		return object{}, nil
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}, nil
	}
	if t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return nil, fmt.Errorf("%v writes itself, and no schema is known", t)
	}
	switch t.Kind() {
	case reflect.Interface:
		return object{}, nil
	case reflect.Bool:
		return object{"type": "boolean"}, nil
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}, nil
	case reflect.Float64:
		return object{"type": "number"}, nil
	case reflect.String:
		return s.text(t)
	case reflect.Pointer:
		of, err := s.of(t.Elem(), read)
		if read || err != nil {
			return of, err
		}
		return orNull(of), nil
	case reflect.Slice:
		of, err := s.of(t.Elem(), read)
		return object{"type": "array", "items": of}, err
	case reflect.Map:
		of, err := s.of(t.Elem(), read)
		return object{"type": "object", "additionalProperties": of}, err
	case reflect.Struct:
		return s.component(t, read)
	default:
		return nil, fmt.Errorf("%v: no schema is known", t)
	}
}

// text returns the schema of a type of text: of one that has constants, with their values.
func (s *schemas) text(t reflect.Type) (object, error) {
	schema := object{"type": "string"}
	if t.PkgPath() == "" {
		return schema, nil
	}
	values, err := s.source.constants(t)
	if len(values) > 0 {
		schema["enum"] = values
	}
	return schema, err
}

// orNull adds null to a schema.
func orNull(of object) object {
	if name, ok := of["type"].(string); ok && of["enum"] == nil {
		of["type"] = []string{name, "null"}
		return of
	}
	if len(of) == 0 {
		return of
	}
	return object{"anyOf": []object{of, {"type": "null"}}}
}

// component returns a reference to the component of a struct, which it makes if there is none yet.
func (s *schemas) component(t reflect.Type, read bool) (object, error) {
	name := strings.TrimSuffix(t.Name(), "Shown")
	if name == "" {
		return nil, fmt.Errorf("%v has no name", t)
	}
	name = strings.ToUpper(name[:1]) + name[1:]
	if read {
		name = "Given" + name
	}
	ref := object{"$ref": "#/components/schemas/" + name}
	if was, ok := s.made[name]; ok {
		if was != t {
			return nil, fmt.Errorf("%v and %v are both called %s", was, t, name)
		}
		return ref, nil
	}
	s.made[name] = t
	properties, required := object{}, []string{}
	if err := s.fields(t, read, properties, &required); err != nil {
		return nil, err
	}
	schema := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		slices.Sort(required)
		schema["required"] = required
	}
	if read {
		schema["additionalProperties"] = false
	}
	s.components[name] = schema
	return ref, nil
}

// fields adds the fields of a struct, and of what it embeds.
func (s *schemas) fields(t reflect.Type, read bool, properties object, required *[]string) error {
	for f := range t.Fields() {
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && tag == "":
			if err := s.fields(f.Type, read, properties, required); err != nil {
				return err
			}
			continue
		case tag == "-" || !f.IsExported():
			continue
		case tag == "":
			return fmt.Errorf("%v.%s has no json tag", t, f.Name)
		}
		typed := f.Type
		if strings.Contains(options, "omitempty") && typed.Kind() == reflect.Pointer { // it is left out instead of null
			typed = typed.Elem()
		}
		of, err := s.of(typed, read)
		if err != nil {
			return fmt.Errorf("%v.%s: %w", t, f.Name, err)
		}
		says, err := s.source.comment(t, f.Name)
		if err != nil {
			return err
		}
		if says != "" {
			of["description"] = says
		}
		if at := strings.HasSuffix(tag, "_at") || tag == "timestamp"; at && f.Type.Kind() != reflect.Struct && !read {
			of["format"] = "date-time"
		}
		properties[tag] = of
		if f.Tag.Get("api") == "required" || !read && !strings.Contains(options, "omitempty") {
			*required = append(*required, tag)
		}
	}
	return nil
}
