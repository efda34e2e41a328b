package guard

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

const managedPolicy = "AWS::IAM::ManagedPolicy"

// Permission is what a function may do to something.
type Permission struct {
	Actions  []string // sorted
	Resource string   // a logical id, or the pattern of an ARN
	Reason   string   // what grants it: "" for the function's own policies
}

// policyTemplates are SAM's policy templates that the template uses: the actions, and the parameter that names the resource.
//
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-template-list.html
var policyTemplates = map[string]struct { //nolint:gochecknoglobals // a table
	actions   []string
	parameter string
}{
	"AWSSecretsManagerGetSecretValuePolicy": {[]string{"secretsmanager:GetSecretValue"}, "SecretArn"},
	"SQSSendMessagePolicy":                  {[]string{"sqs:SendMessage"}, "QueueName"}, // SAM's sqs:SendMessage* is that action alone
	"SQSPollerPolicy": {[]string{
		"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage",
	}, "QueueName"},
}

// Permissions returns what a function may do: by its own policies, and by what SAM adds for its log group, its queues and its failed
// events. The error names a policy that is not understood.
func (t Template) Permissions(id string) ([]Permission, error) {
	f := t.Resources[id]
	granted := []Permission{{
		Actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"}, Resource: target(child(f.Properties, "LoggingConfig")["LogGroup"]), Reason: "logs",
	}}
	for _, event := range f.events("SQS") {
		granted = append(granted, Permission{
			Actions: []string{"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}, Resource: target(event["Queue"]), Reason: "its queue",
		})
	}
	if failed := child(f.Properties, "EventInvokeConfig", "DestinationConfig", "OnFailure"); failed != nil {
		granted = append(granted, Permission{Actions: []string{"sqs:SendMessage"}, Resource: target(failed["Destination"]), Reason: "failed events"})
	}
	for _, p := range list(f.Properties["Policies"]) {
		own, err := readPolicy(p)
		if err != nil {
			return nil, err
		}
		granted = append(granted, own...)
	}
	return granted, nil
}

func readPolicy(value any) (granted []Permission, err error) {
	p := child(value)
	if len(p) == 0 {
		return nil, fmt.Errorf("has the policy %v: only policy templates and statements are known", value)
	}
	if p["Statement"] != nil {
		for _, s := range list(p["Statement"]) {
			statement := child(s)
			if statement["Effect"] != "Allow" || statement["NotAction"] != nil || statement["NotResource"] != nil {
				return nil, fmt.Errorf("has a statement that does not say what it allows: %v", statement)
			}
			for _, resource := range list(statement["Resource"]) {
				granted = append(granted, Permission{Actions: sortedTexts(statement["Action"]), Resource: nameOf(resource)})
			}
		}
		return granted, nil
	}
	for _, name := range slices.Sorted(maps.Keys(p)) {
		known, ok := policyTemplates[name]
		if !ok {
			return nil, fmt.Errorf("has the policy template %s, which is not in the table of infra/guard/permission.go", name)
		}
		granted = append(granted, Permission{Actions: known.actions, Resource: nameOf(child(p, name)[known.parameter])})
	}
	return granted, nil
}

func sortedTexts(value any) (result []string) {
	for _, v := range list(value) {
		result = append(result, text(v))
	}
	slices.Sort(result)
	return result
}

// nameOf returns what a policy's resource is called: a logical id, or the end of an ARN that names this stage.
func nameOf(resource any) string {
	if id := target(resource); id != "" {
		return id
	}
	arn := text(resource)
	if sub := text(child(resource)["Fn::Sub"]); sub != "" {
		arn = sub
	}
	return arn
}

// ofStage reports whether an ARN pattern names something of this stage alone.
func ofStage(arn string) bool {
	return strings.Contains(arn, "act/${Stage}/") || strings.Contains(arn, "act-${Stage}-")
}

// narrow: each action and resource is named.
func narrow(t Template, f Resource) (findings []string) {
	for _, p := range list(f.Properties["Policies"]) {
		granted, err := readPolicy(p)
		if err != nil {
			findings = append(findings, err.Error())
		}
		for _, g := range granted {
			_, known := t.Resources[g.Resource]
			findings = append(findings, finding(known || ofStage(g.Resource), "may act on %q: name a resource of the template, or of this stage (act/${Stage}/…)", g.Resource)...)
			for _, action := range g.Actions {
				findings = append(findings, finding(!strings.Contains(action, "*") && strings.Contains(action, ":"), "may do %q: name the action", action)...)
			}
		}
	}
	return findings
}

// withinBoundary: what a function's policies allow, the boundary allows too, or the function would be refused.
func withinBoundary(t Template, f Resource) (findings []string) {
	statements := list(child(t.Resources[target(f.Properties["PermissionsBoundary"])].Properties, "PolicyDocument")["Statement"])
	for _, p := range list(f.Properties["Policies"]) {
		granted, _ := readPolicy(p) // narrow tells of the error
		for _, g := range granted {
			for _, action := range g.Actions {
				allowed := slices.ContainsFunc(statements, func(s any) bool {
					return slices.ContainsFunc(sortedTexts(child(s)["Action"]), func(pattern string) bool {
						ok, _ := path.Match(pattern, action)
						return ok
					})
				})
				findings = append(findings, finding(allowed, "may do %s, which its PermissionsBoundary does not allow", action)...)
			}
		}
	}
	return findings
}
