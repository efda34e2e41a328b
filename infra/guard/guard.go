package guard

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Types of resources that rules speak of.
const (
	function = "AWS::Serverless::Function"
	api      = "AWS::Serverless::HttpApi"
	queue    = "AWS::SQS::Queue"
	policy   = "AWS::SQS::QueuePolicy"
	secret   = "AWS::SecretsManager::Secret" //nolint:gosec // a type
	logs     = "AWS::Logs::LogGroup"
	alarm    = "AWS::CloudWatch::Alarm"
	topic    = "AWS::SNS::Topic"
)

// rules are what a template keeps. Each gives a sentence for each resource that breaks it, which says what to do.
func rules() []func(Template) []string {
	return []func(Template) []string{
		everyFunction(ownLogGroup), everyFunction(bounded), everyFunction(released), everyFunction(quickEnough), everyFunction(noSecretInEnvironment),
		everyFunction(narrow), everyFunction(withinBoundary), everyFunction(failedEventsKept), everyFunction(batches),
		everyQueue(encrypted), everyQueue(overTLS), everyQueue(deadLetters), everyQueue(watched),
		secretsStay, logsEnd, alarmsTell, throttled, described,
	}
}

// Check returns what is wrong with a template, sorted.
func Check(t Template) []string {
	var findings []string
	for _, rule := range rules() {
		findings = append(findings, rule(t)...)
	}
	slices.Sort(findings)
	return findings
}

func everyFunction(rule func(Template, Resource) []string) func(Template) []string {
	return every(function, rule)
}

func everyQueue(rule func(Template, string) []string) func(Template) []string {
	return func(t Template) (findings []string) {
		for _, id := range t.of(queue) {
			findings = append(findings, prefixed(id, rule(t, id))...)
		}
		return findings
	}
}

func every(kind string, rule func(Template, Resource) []string) func(Template) []string {
	return func(t Template) (findings []string) {
		for _, id := range t.of(kind) {
			findings = append(findings, prefixed(id, rule(t, t.Resources[id]))...)
		}
		return findings
	}
}

func prefixed(id string, findings []string) []string {
	for i, f := range findings {
		findings[i] = id + ": " + f
	}
	return findings
}

// finding returns one finding, or none when all is well.
func finding(well bool, format string, args ...any) []string {
	if well {
		return nil
	}
	return []string{fmt.Sprintf(format, args...)}
}

// secretsStay: a stack that is deleted by mistake takes no secret with it.
func secretsStay(t Template) (findings []string) {
	for _, id := range t.of(secret) {
		r := t.Resources[id]
		kept := r.Attributes["DeletionPolicy"] == "Retain" && r.Attributes["UpdateReplacePolicy"] == "Retain"
		findings = append(findings, finding(kept, "%s: needs DeletionPolicy and UpdateReplacePolicy Retain", id)...)
	}
	return findings
}

// logsEnd: logs are kept as long as the parameter says.
func logsEnd(t Template) (findings []string) {
	for _, id := range t.of(logs) {
		ends := target(t.Resources[id].Properties["RetentionInDays"]) == "LogRetentionDays"
		findings = append(findings, finding(ends, "%s: needs RetentionInDays: !Ref LogRetentionDays", id)...)
	}
	return findings
}

// alarmsTell: an alarm says what is wrong, and says it to somebody, and when it is over too.
func alarmsTell(t Template) (findings []string) {
	topics := t.of(topic)
	told := func(value any) bool {
		to := list(value)
		return len(to) > 0 && slices.Contains(topics, target(to[0]))
	}
	for _, id := range t.of(alarm) {
		p := t.Resources[id].Properties
		findings = append(findings, finding(told(p["AlarmActions"]) && told(p["OKActions"]), "%s: needs AlarmActions and OKActions with a topic", id)...)
		findings = append(findings, finding(text(p["AlarmDescription"]) != "", "%s: needs an AlarmDescription", id)...)
		findings = append(findings, finding(text(p["TreatMissingData"]) != "", "%s: needs TreatMissingData", id)...)
	}
	return findings
}

// throttled: what anybody may call has a limit, and a record of who called.
func throttled(t Template) (findings []string) {
	for _, id := range t.of(api) {
		p := t.Resources[id].Properties
		limits := child(p, "DefaultRouteSettings")
		findings = append(findings, finding(limits["ThrottlingRateLimit"] != nil && limits["ThrottlingBurstLimit"] != nil, "%s: needs both throttling limits", id)...)
		findings = append(findings, finding(child(p, "AccessLogSettings")["DestinationArn"] != nil, "%s: needs access logs", id)...)
		findings = append(findings, finding(text(child(p, "Auth")["DefaultAuthorizer"]) != "", "%s: needs a default authorizer, so that a route is public only when it says so", id)...)
	}
	return findings
}

// described: whoever deploys is told what each parameter and each output is, and stopped when a value cannot be right.
func described(t Template) (findings []string) {
	for _, name := range slices.Sorted(maps.Keys(t.Parameters)) {
		p := t.Parameters[name]
		findings = append(findings, finding(strings.HasSuffix(p.Description, "."), "parameter %s: needs a Description, a sentence", name)...)
		findings = append(findings, finding(p.Constrained, "parameter %s: needs AllowedValues, an AllowedPattern, or MinValue and MaxValue", name)...)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Outputs)) {
		findings = append(findings, finding(text(t.Outputs[name]["Description"]) != "", "output %s: needs a Description", name)...)
	}
	return findings
}
