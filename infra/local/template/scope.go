package template

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	apiType      = "AWS::Serverless::HttpApi"
	functionType = "AWS::Serverless::Function"
	queueType    = "AWS::SQS::Queue"
	listType     = "CommaDelimitedList"
	secretType   = "AWS::SecretsManager::Secret" //nolint:gosec // a type
	customType   = "Custom::"                    // a function that a deployment calls, which the local system does not make
)

// resource is one entry of Resources as it stands there.
type resource struct {
	Type       string
	Condition  string
	Properties yaml.Node

	exists bool // its condition holds
}

// scope is what names in a template stand for.
type scope struct {
	config     Config
	parameters map[string]string
	lists      map[string]bool // which parameters are lists, written with commas
	conditions map[string]yaml.Node
	resources  map[string]resource
	open       []string // what is being worked out, so that a circle is found

	defaultAuthorizer string // of the API's routes; "" when it has none
}

func newScope(config Config, parameters, conditions, resources map[string]yaml.Node) (*scope, error) {
	s := &scope{config: config, parameters: map[string]string{}, lists: map[string]bool{}, conditions: conditions, resources: map[string]resource{}}
	for _, name := range sortedKeys(parameters) {
		node := parameters[name]
		value, err := s.readParameter(name, &node)
		if err != nil {
			return nil, err
		}
		s.parameters[name] = value
	}
	for _, id := range sortedKeys(resources) {
		node, path := resources[id], "Resources."+id
		r := resource{Properties: yaml.Node{Kind: yaml.MappingNode, Line: node.Line}, exists: true}
		err := decode(&node, path, &r, "DeletionPolicy", "DependsOn", "Metadata", "UpdateReplacePolicy")
		if err == nil && r.Condition != "" {
			r.exists, err = s.condition(r.Condition, &node, path+".Condition")
		}
		if err != nil {
			return nil, err
		}
		s.resources[id] = r
	}
	return s, nil
}

// Parameters returns the names of a template's parameters, sorted, and what is wrong with the values that some of them are given. Of a file that
// is no template, which Read says, it returns nothing.
func Parameters(source []byte, value func(name string) (string, bool)) (names []string, wrong map[string]*Error) {
	var document struct {
		Parameters map[string]yaml.Node `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal(source, &document); err != nil {
		return nil, nil
	}
	s := &scope{config: Config{Parameter: value}, lists: map[string]bool{}}
	wrong = map[string]*Error{}
	for _, name := range sortedKeys(document.Parameters) {
		names = append(names, name)
		node := document.Parameters[name]
		if _, given := value(name); !given {
			continue
		}
		if _, err := s.readParameter(name, &node); err != nil {
			if e, ok := errors.AsType[*Error](err); ok {
				wrong[name] = e
			}
		}
	}
	return names, wrong
}

func (s *scope) readParameter(name string, node *yaml.Node) (string, error) {
	path := "Parameters." + name
	var p struct {
		Type                  string
		Default               *string
		AllowedPattern        string
		AllowedValues         []string
		ConstraintDescription string
		MinLength             *int
		MaxLength             *int
		MinValue              *float64
		MaxValue              *float64
	}
	if err := decode(node, path, &p, "Description", "NoEcho"); err != nil {
		return "", err
	}
	value, ok := s.config.Parameter(name)
	if !ok {
		if p.Default == nil {
			return "", fail(node, path, "needs a value")
		}
		value = *p.Default
	}
	refuse := func(format string, args ...any) error {
		return fail(node, path, "%q %s", value, cmp.Or(p.ConstraintDescription, fmt.Sprintf(format, args...)))
	}
	number, notNumber := strconv.ParseFloat(value, 64)
	switch {
	case p.Type == listType:
		s.lists[name] = true
	case p.Type != "String" && p.Type != "Number":
		return "", fail(node, path, "parameters of type %q are not known to the local system", p.Type)
	case p.Type == "Number" && notNumber != nil:
		return "", refuse("is no number")
	case len(p.AllowedValues) > 0 && !slices.Contains(p.AllowedValues, value):
		return "", refuse("is not one of %s", strings.Join(p.AllowedValues, ", "))
	case p.MinLength != nil && len(value) < *p.MinLength:
		return "", refuse("is shorter than %d", *p.MinLength)
	case p.MaxLength != nil && len(value) > *p.MaxLength:
		return "", refuse("is longer than %d", *p.MaxLength)
	case p.MinValue != nil && number < *p.MinValue:
		return "", refuse("is less than %g", *p.MinValue)
	case p.MaxValue != nil && number > *p.MaxValue:
		return "", refuse("is more than %g", *p.MaxValue)
	}
	if p.AllowedPattern != "" {
		pattern, err := regexp.Compile("^(?:" + p.AllowedPattern + ")$")
		if err != nil {
			return "", fail(node, path+".AllowedPattern", "%v", err)
		}
		values := []string{value}
		if p.Type == listType { // the pattern is of each
			values = strings.Split(value, ",")
		}
		if slices.ContainsFunc(values, func(v string) bool { return !pattern.MatchString(v) }) {
			return "", refuse("does not match %s", p.AllowedPattern)
		}
	}
	return value, nil
}

// enter notes that what is being worked out, and refuses a circle. The function that it gives ends that.
func (s *scope) enter(what string, node *yaml.Node, path string) (leave func(), err error) {
	if slices.Contains(s.open, what) {
		return nil, fail(node, path, "%s leads back to itself", what)
	}
	s.open = append(s.open, what)
	return func() { s.open = s.open[:len(s.open)-1] }, nil
}

// ref returns what !Ref gives for name.
func (s *scope) ref(name string, node *yaml.Node, path string) (string, error) {
	if value, ok := s.parameters[name]; ok {
		return value, nil
	}
	switch name {
	case "AWS::AccountId":
		return s.config.AccountID, nil
	case "AWS::Partition":
		return "aws", nil
	case "AWS::Region":
		return s.config.Region, nil
	case "AWS::StackName":
		return "local", nil
	case "AWS::URLSuffix":
		return "amazonaws.com", nil
	}
	r, err := s.existing(name, node, path)
	if err != nil {
		return "", err
	}
	switch r.Type {
	case queueType:
		queue, err := s.nameOf(name, r, "QueueName")
		return s.config.QueueEndpoint + "/" + s.config.AccountID + "/" + queue, err
	case secretType:
		secret, err := s.nameOf(name, r, "Name")
		return s.arn("secretsmanager", "secret:"+secret), err
	case functionType:
		return functionName(name), nil
	}
	return name, nil
}

// attribute returns what !GetAtt gives.
func (s *scope) attribute(id, attribute string, node *yaml.Node, path string) (string, error) {
	r, err := s.existing(id, node, path)
	if err != nil {
		return "", err
	}
	switch r.Type + "." + attribute {
	case queueType + ".Arn":
		queue, err := s.nameOf(id, r, "QueueName")
		return s.arn("sqs", queue), err
	case queueType + ".QueueName":
		return s.nameOf(id, r, "QueueName")
	case queueType + ".QueueUrl", secretType + ".Id":
		return s.ref(id, node, path)
	case functionType + ".Arn":
		return s.arn("lambda", "function:"+functionName(id)), nil
	}
	if strings.HasPrefix(r.Type, customType) {
		return "", nil
	}
	return "", fail(node, path, "the attribute %s of %s is not known to the local system", attribute, id)
}

func (s *scope) arn(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, s.config.Region, s.config.AccountID, resource)
}

func (s *scope) existing(id string, node *yaml.Node, path string) (resource, error) {
	r, ok := s.resources[id]
	if !ok {
		return r, fail(node, path, "there is no parameter and no resource %s", id)
	}
	if !r.exists {
		return r, fail(node, path, "the condition of %s does not hold", id)
	}
	return r, nil
}

// nameOf returns the name that a resource's property sets, or its logical id.
func (s *scope) nameOf(id string, r resource, property string) (string, error) {
	node, ok := field(&r.Properties, property)
	if !ok {
		return id, nil
	}
	path := "Resources." + id + ".Properties." + property
	leave, err := s.enter(id, node, path)
	if err != nil {
		return "", err
	}
	defer leave()
	return s.text(node, path)
}

// functionName returns the folder of a function: SyncTriggerFunction is in sync-trigger.
func functionName(id string) string {
	var name strings.Builder
	for i, r := range strings.TrimSuffix(id, "Function") {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				name.WriteByte('-')
			}
			r += 'a' - 'A'
		}
		name.WriteRune(r)
	}
	return name.String()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
