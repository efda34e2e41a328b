package openapi

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

const module = "github.com/act-platform/enhanced-integration/"

// source reads what types do not tell at run time: their constants, and the comments at their fields.
type source struct {
	root  string // of the module
	files map[string][]*ast.File
}

// of returns the files of a type's package.
func (s *source) of(t reflect.Type) ([]*ast.File, error) {
	path, ours := strings.CutPrefix(strings.TrimSuffix(t.PkgPath(), "_test"), module)
	if !ours {
		return nil, nil
	}
	if files, ok := s.files[path]; ok {
		return files, nil
	}
	names, err := filepath.Glob(filepath.Join(s.root, path, "*.go"))
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("%s has no files: %w", path, err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	s.files[path] = files
	return files, nil
}

// constants returns the values of a type's constants, in order.
func (s *source) constants(t reflect.Type) ([]string, error) {
	files, err := s.of(t)
	if err != nil {
		return nil, err
	}
	var values []string
	for _, file := range files {
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
				for _, spec := range g.Specs {
					values = append(values, valuesOf(spec.(*ast.ValueSpec), t.Name())...)
				}
			}
		}
	}
	return values, nil
}

// valuesOf returns the texts that a specification gives to constants of a type.
func valuesOf(v *ast.ValueSpec, name string) (values []string) {
	of, ok := v.Type.(*ast.Ident)
	if !ok || of.Name != name {
		return nil
	}
	for _, value := range v.Values {
		if literal, ok := value.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil {
				values = append(values, text)
			}
		}
	}
	return values
}

// comment returns what stands at a field of a struct, as a sentence; "" for nothing.
func (s *source) comment(t reflect.Type, name string) (string, error) {
	files, err := s.of(t)
	if err != nil {
		return "", err
	}
	for _, file := range files {
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.TYPE {
				continue
			}
			for _, spec := range g.Specs {
				of := spec.(*ast.TypeSpec)
				if fields, ok := of.Type.(*ast.StructType); ok && of.Name.Name == t.Name() {
					return commentOf(fields, name), nil
				}
			}
		}
	}
	return "", nil
}

func commentOf(fields *ast.StructType, name string) string {
	for _, f := range fields.Fields.List {
		for _, n := range f.Names {
			if n.Name != name {
				continue
			}
			text := strings.TrimSpace(f.Comment.Text())
			if text == "" {
				text = strings.TrimSpace(f.Doc.Text())
			}
			text = strings.Join(strings.Fields(text), " ")
			if text != "" && !strings.HasSuffix(text, ".") {
				text += "."
			}
			return text
		}
	}
	return ""
}
