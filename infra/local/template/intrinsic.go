package template

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// intrinsic returns the name of the intrinsic function that node calls, in its long form, and its argument: "!Ref x" and "{Ref: x}"
// are "Ref" of x, "!Sub x" and "{Fn::Sub: x}" are "Fn::Sub" of x.
func intrinsic(node *yaml.Node) (name string, argument *yaml.Node, ok bool) {
	if tag := node.Tag; strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") {
		bare := *node
		bare.Tag = ""
		if name = tag[1:]; name != "Ref" && name != "Condition" {
			name = "Fn::" + name
		}
		return name, &bare, true
	}
	if node.Kind == yaml.MappingNode && len(node.Content) == 2 {
		if key := node.Content[0].Value; key == "Ref" || strings.HasPrefix(key, "Fn::") {
			return key, node.Content[1], true
		}
	}
	return "", nil, false
}

// resolve returns node with every intrinsic function in it worked out; nil where it comes to AWS::NoValue. Lines stay what they were.
func (s *scope) resolve(node *yaml.Node, path string) (*yaml.Node, error) {
	if node.Kind == yaml.AliasNode {
		return s.resolve(node.Alias, path)
	}
	if name, argument, ok := intrinsic(node); ok {
		return s.call(name, argument, path)
	}
	result := *node
	result.Content = nil
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			value, err := s.resolve(node.Content[i+1], path+"."+node.Content[i].Value)
			if err != nil {
				return nil, err
			}
			if value != nil {
				result.Content = append(result.Content, node.Content[i], value)
			}
		}
	case yaml.SequenceNode:
		for i, item := range node.Content {
			value, err := s.resolve(item, path+"."+strconv.Itoa(i))
			if err != nil {
				return nil, err
			}
			if value != nil {
				result.Content = append(result.Content, value)
			}
		}
	default:
	}
	return &result, nil
}

func (s *scope) call(name string, argument *yaml.Node, path string) (*yaml.Node, error) {
	var text string
	var err error
	switch name {
	case "Ref":
		if argument.Value == "AWS::NoValue" {
			return nil, nil
		}
		if s.lists[argument.Value] {
			return sequence(s.parameters[argument.Value], argument.Line), nil
		}
		text, err = s.ref(argument.Value, argument, path)
	case "Fn::GetAtt":
		text, err = s.getAtt(argument, path)
	case "Fn::Sub":
		text, err = s.sub(argument, path)
	case "Fn::Join":
		text, err = s.join(argument, path)
	case "Fn::If":
		return s.choose(argument, path)
	default:
		return nil, fail(argument, path, "the intrinsic function %s is not known to the local system", name)
	}
	if err != nil {
		return nil, err
	}
	return literal(text, argument.Line), nil
}

// sequence makes a list of a text with commas; spaces around an element do not count.
func sequence(text string, line int) *yaml.Node {
	node := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: line}
	for item := range strings.SplitSeq(text, ",") {
		node.Content = append(node.Content, literal(strings.TrimSpace(item), line))
	}
	return node
}

// literal makes a scalar. A number may be read as text and as a number, as in CloudFormation.
func literal(text string, line int) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Line: line}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		node.Tag = ""
	}
	return node
}

// text resolves node to a text.
func (s *scope) text(node *yaml.Node, path string) (string, error) {
	resolved, err := s.resolve(node, path)
	if err != nil {
		return "", err
	}
	if resolved == nil || resolved.Kind != yaml.ScalarNode {
		return "", fail(node, path, "a text is needed here")
	}
	return resolved.Value, nil
}

// items returns the elements of a list of n.
func items(node *yaml.Node, n int, path string) ([]*yaml.Node, error) {
	if node.Kind != yaml.SequenceNode || len(node.Content) != n {
		return nil, fail(node, path, "a list of %d is needed here", n)
	}
	return node.Content, nil
}

func (s *scope) getAtt(argument *yaml.Node, path string) (string, error) {
	id, attribute, ok := strings.Cut(argument.Value, ".")
	if argument.Kind == yaml.SequenceNode {
		parts, err := items(argument, 2, path)
		if err != nil {
			return "", err
		}
		id, attribute, ok = parts[0].Value, parts[1].Value, true
	}
	if !ok {
		return "", fail(argument, path, "!GetAtt needs a resource and an attribute")
	}
	return s.attribute(id, attribute, argument, path)
}

func (s *scope) sub(argument *yaml.Node, path string) (string, error) {
	text, own := argument.Value, map[string]string{}
	if argument.Kind == yaml.SequenceNode {
		parts, err := items(argument, 2, path)
		if err != nil {
			return "", err
		}
		text = parts[0].Value
		for i := 0; i+1 < len(parts[1].Content); i += 2 {
			key := parts[1].Content[i].Value
			if own[key], err = s.text(parts[1].Content[i+1], path+"."+key); err != nil {
				return "", err
			}
		}
	}
	var failed error
	result := regexp.MustCompile(`\$\{[^}]*\}`).ReplaceAllStringFunc(text, func(match string) string {
		name := match[2 : len(match)-1]
		if escaped, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + escaped + "}"
		}
		if value, ok := own[name]; ok {
			return value
		}
		var value string
		var err error
		if id, attribute, ok := strings.Cut(name, "."); ok {
			value, err = s.attribute(id, attribute, argument, path)
		} else {
			value, err = s.ref(name, argument, path)
		}
		if failed == nil {
			failed = err
		}
		return value
	})
	return result, failed
}

func (s *scope) join(argument *yaml.Node, path string) (string, error) {
	parts, err := items(argument, 2, path)
	if err != nil {
		return "", err
	}
	list, err := s.resolve(parts[1], path)
	if err != nil {
		return "", err
	}
	if list == nil || list.Kind != yaml.SequenceNode {
		return "", fail(argument, path, "!Join needs a list")
	}
	texts := make([]string, len(list.Content))
	for i, item := range list.Content {
		texts[i] = item.Value
	}
	return strings.Join(texts, parts[0].Value), nil
}

func (s *scope) choose(argument *yaml.Node, path string) (*yaml.Node, error) {
	parts, err := items(argument, 3, path)
	if err != nil {
		return nil, err
	}
	holds, err := s.condition(parts[0].Value, argument, path)
	if err != nil {
		return nil, err
	}
	if holds {
		return s.resolve(parts[1], path)
	}
	return s.resolve(parts[2], path)
}

// condition works out a condition of the Conditions section.
func (s *scope) condition(name string, node *yaml.Node, path string) (bool, error) {
	definition, ok := s.conditions[name]
	if !ok {
		return false, fail(node, path, "there is no condition %s", name)
	}
	leave, err := s.enter("condition "+name, node, path)
	if err != nil {
		return false, err
	}
	defer leave()
	return s.test(&definition, "Conditions."+name)
}

func (s *scope) test(node *yaml.Node, path string) (bool, error) {
	name, argument, ok := intrinsic(node)
	if !ok && node.Kind == yaml.MappingNode && len(node.Content) == 2 {
		name, argument = node.Content[0].Value, node.Content[1]
	}
	switch name {
	case "Condition":
		return s.condition(argument.Value, argument, path)
	case "Fn::Equals":
		parts, err := items(argument, 2, path)
		if err != nil {
			return false, err
		}
		one, err := s.text(parts[0], path)
		if err != nil {
			return false, err
		}
		other, err := s.text(parts[1], path)
		return one == other, err
	case "Fn::Not", "Fn::And", "Fn::Or":
		results := make([]bool, len(argument.Content))
		for i, item := range argument.Content {
			var err error
			if results[i], err = s.test(item, path); err != nil {
				return false, err
			}
		}
		switch {
		case name == "Fn::And":
			return !slices.Contains(results, false), nil
		case name == "Fn::Or":
			return slices.Contains(results, true), nil
		case len(results) == 1:
			return !results[0], nil
		}
	}
	return false, fail(node, path, "is no condition that the local system knows")
}
