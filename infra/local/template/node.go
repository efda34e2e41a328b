package template

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// field returns the value of a mapping's key.
func field(node *yaml.Node, key string) (*yaml.Node, bool) {
	for i := 0; i+1 < len(node.Content) && node.Kind == yaml.MappingNode; i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1], true
		}
	}
	return nil, false
}

// without returns a mapping without the keys that mean nothing to a local system.
func without(node *yaml.Node, ignored ...string) *yaml.Node {
	result := *node
	result.Content = nil
	for i := 0; i+1 < len(node.Content); i += 2 {
		if !slices.Contains(ignored, node.Content[i].Value) {
			result.Content = append(result.Content, node.Content[i], node.Content[i+1])
		}
	}
	return &result
}

// merge returns a resource's properties over the template's globals, as SAM does: maps are merged, lists are joined, what the resource
// says wins.
//
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html
func merge(global, own *yaml.Node) *yaml.Node {
	_, _, globalCalls := intrinsic(global)
	_, _, ownCalls := intrinsic(own)
	result := *own
	switch {
	case global.Kind != own.Kind || globalCalls || ownCalls:
	case own.Kind == yaml.SequenceNode:
		result.Content = slices.Concat(global.Content, own.Content)
	case own.Kind == yaml.MappingNode:
		result.Content = nil
		for i := 0; i+1 < len(global.Content); i += 2 {
			key, value := global.Content[i], global.Content[i+1]
			if over, ok := field(own, key.Value); ok {
				value = merge(value, over)
			}
			result.Content = append(result.Content, key, value)
		}
		for i := 0; i+1 < len(own.Content); i += 2 {
			if _, ok := field(global, own.Content[i].Value); !ok {
				result.Content = append(result.Content, own.Content[i], own.Content[i+1])
			}
		}
	}
	return &result
}
