package guard

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

const (
	// apiSeconds is how long API Gateway waits for a function, less a second to answer in.
	apiSeconds = 29
	// visibilityFactor is how many time limits of the function a message stays hidden, as AWS advises.
	visibilityFactor = 6
)

// ownLogGroup: a function's logs are in a group of its own, so that they end and can be read alone.
func ownLogGroup(t Template, f Resource) []string {
	group := target(child(f.Properties, "LoggingConfig")["LogGroup"])
	if t.Resources[group].Type != logs {
		return []string{"needs LoggingConfig: {LogGroup: !Ref …Logs} and that log group"}
	}
	shared := 0
	for _, id := range t.of(function) {
		if target(child(t.Resources[id].Properties, "LoggingConfig")["LogGroup"]) == group {
			shared++
		}
	}
	return finding(shared == 1, "needs a log group of its own, not %s", group)
}

// bounded: SAM's roles allow logs and queues of the whole account; the boundary takes that back.
func bounded(t Template, f Resource) []string {
	boundary := target(f.Properties["PermissionsBoundary"])
	return append(finding(t.Resources[boundary].Type == managedPolicy, "needs a PermissionsBoundary of the template"),
		finding(f.Properties["Role"] == nil, "has a Role; SAM makes one a function, within the boundary")...)
}

// released: a new version passes to the alias with alarms that take it back, after the migrations.
func released(t Template, f Resource) []string {
	preference := child(f.Properties, "DeploymentPreference")
	waits := target(child(f.Properties, "Environment", "Variables")["SCHEMA"])
	switch {
	case f.Properties["AutoPublishAlias"] == nil:
		return []string{"needs an AutoPublishAlias"}
	case preference["Enabled"] == false: // the one that migrates
		return finding(waits == "", "waits for the migrations and is not released after them")
	case t.Resources[waits].Type != "Custom::Schema":
		return []string{"needs SCHEMA: !GetAtt Schema.Newest in its environment, so that it waits for the migrations"}
	}
	return finding(preference["Type"] != nil && len(list(preference["Alarms"])) > 0, "needs a DeploymentPreference with Type and Alarms")
}

// quickEnough: an API's function ends before API Gateway gives up on it.
func quickEnough(_ Template, f Resource) []string {
	return finding(len(f.events("HttpApi")) == 0 || number(f.Properties["Timeout"]) <= apiSeconds, "answers HTTP and needs a Timeout of at most %d", apiSeconds)
}

var secretName = regexp.MustCompile(`(?i)(secret|token|password|private|_key|database_url)`)

// noSecretInEnvironment: whoever may look at a function's settings sees no secret.
func noSecretInEnvironment(_ Template, f Resource) (findings []string) {
	variables := child(f.Properties, "Environment", "Variables")
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		findings = append(findings, finding(!secretName.MatchString(name) || strings.HasSuffix(name, "_ARN"), "the variable %s looks like a secret: set only the ARN of one", name)...)
		for _, s := range texts(variables[name]) {
			findings = append(findings, finding(!strings.Contains(s, "{{resolve:"), "the variable %s resolves a secret into the environment", name)...)
		}
	}
	return findings
}

// texts returns every text in value.
func texts(value any) (result []string) {
	switch value := value.(type) {
	case string:
		return []string{value}
	case []any:
		for _, v := range value {
			result = append(result, texts(v)...)
		}
	case object:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			result = append(result, texts(value[key])...)
		}
	}
	return result
}

// failedEventsKept: a scheduled event that a function refuses, Lambda tries three times, and then somebody can find it.
func failedEventsKept(t Template, f Resource) []string {
	if len(f.events("Schedule")) == 0 {
		return nil
	}
	kept := target(child(f.Properties, "EventInvokeConfig", "DestinationConfig", "OnFailure")["Destination"])
	return finding(t.Resources[kept].Type == queue,
		"has a schedule and needs EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt FailedEventsQueue.Arn}}}")
}

// batches: one bad message does not bring back its neighbours, a crowd of messages does not take all connections, and a message is
// not given to a second worker while the first works.
func batches(t Template, f Resource) (findings []string) {
	for _, event := range f.events("SQS") {
		id := target(event["Queue"])
		source := t.Resources[id]
		if source.Type != queue {
			findings = append(findings, "takes messages from what is no queue of the template")
			continue
		}
		findings = append(findings, finding(slices.Contains(list(event["FunctionResponseTypes"]), any("ReportBatchItemFailures")), "needs FunctionResponseTypes: [ReportBatchItemFailures]")...)
		findings = append(findings, finding(number(child(event, "ScalingConfig")["MaximumConcurrency"]) >= 2, "needs ScalingConfig: {MaximumConcurrency: …} of at least 2")...)
		least := visibilityFactor * number(f.Properties["Timeout"])
		findings = append(findings, finding(number(source.Properties["VisibilityTimeout"]) >= least, "%s needs a VisibilityTimeout of at least %d, six time limits", id, least)...)
		findings = append(findings, finding(source.Properties["RedrivePolicy"] != nil, "%s needs a dead-letter queue", id)...)
	}
	return findings
}
