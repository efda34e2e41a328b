package guard_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/act-platform/enhanced-integration/infra/guard"
)

var (
	update  = flag.Bool("update", false, "write docs/PERMISSIONS.md")
	project = filepath.Join("..", "..")
)

func read(t *testing.T, path string) guard.Template {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	template, err := guard.Read(source)
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// TestTemplate holds the template that the project is deployed with against the rules.
func TestTemplate(t *testing.T) {
	t.Parallel()
	for _, finding := range guard.Check(read(t, filepath.Join(project, "template.yaml"))) {
		t.Error(finding)
	}
}

// TestPermissions: docs/PERMISSIONS.md is what the template says.
func TestPermissions(t *testing.T) {
	t.Parallel()
	page := filepath.Join(project, "docs", "PERMISSIONS.md")
	want, err := read(t, filepath.Join(project, "template.yaml")).Table()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("make permissions writes it anew: %s", diff)
	}
}

// TestRunbook: each alarm has a chapter in the runbook.
func TestRunbook(t *testing.T) {
	t.Parallel()
	book, err := os.ReadFile(filepath.Join(project, "docs", "RUNBOOK.md"))
	if err != nil {
		t.Fatal(err)
	}
	for id, r := range read(t, filepath.Join(project, "template.yaml")).Resources {
		if r.Type == "AWS::CloudWatch::Alarm" && !regexp.MustCompile(`(?m)^#+ `+id+`$`).Match(book) {
			t.Errorf("docs/RUNBOOK.md has no chapter %s: say what the alarm means and what to do", id)
		}
	}
}

// TestRules breaks each rule once.
func TestRules(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(filepath.Join("testdata", "whole.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, finding string }{
		"no log group":                {"LoggingConfig: {LogGroup: !Ref WorkLogs}", "Description: x", "WorkFunction: needs LoggingConfig"},
		"another's log group":         {"LogGroup: !Ref WorkLogs", "LogGroup: !Ref WebLogs", "WorkFunction: needs a log group of its own, not WebLogs"},
		"no boundary":                 {"PermissionsBoundary: !Ref Boundary", "MemorySize: 128", "WebFunction: needs a PermissionsBoundary"},
		"a role of its own":           {"Timeout: 100", "Timeout: 100\n      Role: !Ref Boundary", "WorkFunction: has a Role"},
		"no alias":                    {"AutoPublishAlias: live", "MemorySize: 128", "WebFunction: needs an AutoPublishAlias"},
		"no alarm takes it back":      {"{Type: AllAtOnce, Alarms: [!Ref DeadAlarm]}", "{Type: AllAtOnce}", "WebFunction: needs a DeploymentPreference"},
		"before the migrations":       {"SCHEMA: !GetAtt Schema.Newest, ", "", "WebFunction: needs SCHEMA"},
		"migrations that wait":        {`Environment: {Variables: {SCHEMA: ""}}`, "Description: x", "MigrateFunction: waits for the migrations"},
		"slower than API Gateway":     {"Timeout: 15", "Timeout: 30", "WebFunction: answers HTTP and needs a Timeout of at most 29"},
		"a secret in the environment": {"APP_SECRET_ARN: !Ref App", "NOTION_TOKEN: x", "WebFunction: the variable NOTION_TOKEN looks like a secret"},
		"a resolved secret":           {"APP_SECRET_ARN: !Ref App", "APP: '{{resolve:secretsmanager:x}}'", "WebFunction: the variable APP resolves a secret"},
		"an unknown policy":           {"AWSSecretsManagerGetSecretValuePolicy: {SecretArn: !Ref App}", "DynamoDBCrudPolicy: {TableName: x}", "WorkFunction: has the policy template DynamoDBCrudPolicy"},
		"a managed policy":            {"[AWSSecretsManagerGetSecretValuePolicy: {SecretArn: !Ref App}]", "[AmazonSQSFullAccess]", "WorkFunction: has the policy AmazonSQSFullAccess"},
		"any action":                  {"[secretsmanager:GetSecretValue], Resource", "[secretsmanager:*], Resource", `WebFunction: may do "secretsmanager:*"`},
		"any resource":                {`!Sub "arn:aws:secretsmanager:::secret:act/${Stage}/oauth/*"`, `"*"`, `WebFunction: may act on "*"`},
		"another stage's":             {"act/${Stage}/oauth/*", "act/*", "WebFunction: may act on"},
		"a denial":                    {"{Effect: Allow, Action: [secretsmanager:GetSecretValue]", "{Effect: Deny, Action: [secretsmanager:GetSecretValue]", "WebFunction: has a statement that does not say what it allows"},
		"beyond the boundary":         {"Action: [sqs:SendMessage, secretsmanager:GetSecretValue]", "Action: [secretsmanager:GetSecretValue]", "WebFunction: may do sqs:SendMessage, which its PermissionsBoundary"},
		"failed events are lost":      {"EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Dead.Arn}}}", "Description: x", "WorkFunction: has a schedule and needs EventInvokeConfig"},
		"all or nothing batches":      {"FunctionResponseTypes: [ReportBatchItemFailures], ", "", "WorkFunction: needs FunctionResponseTypes"},
		"any number of workers":       {", ScalingConfig: {MaximumConcurrency: 2}", "", "WorkFunction: needs ScalingConfig"},
		"visible too soon":            {"VisibilityTimeout: 600", "VisibilityTimeout: 599", "WorkFunction: Jobs needs a VisibilityTimeout of at least 600"},
		"no dead letters":             {"RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5}", "DelaySeconds: 0", "WorkFunction: Jobs needs a dead-letter queue"},
		"dead at once":                {"maxReceiveCount: 5", "maxReceiveCount: 1", "Jobs: needs a maxReceiveCount of at least 5"},
		"dead letters elsewhere":      {"deadLetterTargetArn: !GetAtt Dead.Arn", "deadLetterTargetArn: arn:x", "Jobs: its dead-letter queue is none of the template"},
		"dead letters out of order":   {"VisibilityTimeout: 600", "VisibilityTimeout: 600\n      FifoQueue: true", "Jobs: is FIFO and Dead is not"},
		"dead letters that vanish":    {"MessageRetentionPeriod: 1209600", "MessageRetentionPeriod: 60", "Dead: keeps what failed and needs MessageRetentionPeriod"},
		"dead letters unnoticed":      {"Value: !GetAtt Dead.QueueName", "Value: x", "Dead: keeps what failed and needs an alarm"},
		"messages in clear":           {"VisibilityTimeout: 600\n      SqsManagedSseEnabled: true", "VisibilityTimeout: 600", "Jobs: needs SqsManagedSseEnabled"},
		"calls in clear":              {"Queues: [!Ref Jobs, !Ref Dead]", "Queues: [!Ref Dead]", "Jobs: is not in the QueuePolicy"},
		"a policy that allows":        {"Effect: Deny", "Effect: Allow", "Dead: is not in the QueuePolicy"},
		"a secret that vanishes":      {"DeletionPolicy: Retain, ", "", "App: needs DeletionPolicy and UpdateReplacePolicy Retain"},
		"logs for ever":               {"WorkLogs: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: !Ref LogRetentionDays}}", "WorkLogs: {Type: AWS::Logs::LogGroup}", "WorkLogs: needs RetentionInDays"},
		"an alarm for nobody":         {"OKActions: [!Ref Topic]", "Period: 1", "DeadAlarm: needs AlarmActions and OKActions"},
		"an alarm about nothing":      {"AlarmDescription: Something failed.", "Period: 1", "DeadAlarm: needs an AlarmDescription"},
		"an alarm without data":       {"TreatMissingData: notBreaching", "Period: 1", "DeadAlarm: needs TreatMissingData"},
		"an API without limits":       {"ThrottlingRateLimit: 1, ", "", "Api: needs both throttling limits"},
		"an API without logs":         {"AccessLogSettings: {DestinationArn: !GetAtt MigrateLogs.Arn}", "StageName: x", "Api: needs access logs"},
		"an API for everybody":        {"{DefaultAuthorizer: Who}", "{}", "Api: needs a default authorizer"},
		"a parameter of any value":    {`AllowedPattern: "[a-z]+", `, "", "parameter Stage: needs AllowedValues"},
		"a parameter unexplained":     {"Description: Days.", "Default: 1", "parameter LogRetentionDays: needs a Description"},
		"an output unexplained":       {", Description: Where it is.", "", "output Url: needs a Description"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken := strings.Replace(string(source), c.old, c.new, 1)
			if broken == string(source) {
				t.Fatalf("%q is not in the template", c.old)
			}
			template, err := guard.Read([]byte(broken))
			if err != nil {
				t.Fatal(err)
			}
			findings := guard.Check(template)
			if !slices.ContainsFunc(findings, func(f string) bool { return strings.HasPrefix(f, c.finding) }) {
				t.Errorf("no %q in %q", c.finding, findings)
			}
		})
	}
	if findings := guard.Check(read(t, filepath.Join("testdata", "whole.yaml"))); len(findings) > 0 {
		t.Errorf("unbroken it has %q", findings)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{"nothing": "", "no YAML": "a: [", "a date that is none": "Resources: {A: !!timestamp x}"} {
		if _, err := guard.Read([]byte(source)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
