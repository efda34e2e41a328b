package template_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/act-platform/enhanced-integration/infra/local/template"
)

func config(parameters map[string]string) template.Config {
	return template.Config{
		Region: "eu-west-1", AccountID: "000000000000", QueueEndpoint: "http://127.0.0.1:4002",
		Parameter: func(name string) (string, bool) {
			value, ok := parameters[name]
			return value, ok
		},
	}
}

const whole = `
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, Default: dev, AllowedPattern: "[a-z]+"}
  Seconds: {Type: Number, Default: 7, MinValue: 1}
  Extra: {Type: String, Default: "", AllowedValues: ["", "yes"]}
  Origins: {Type: CommaDelimitedList, Default: "https://app.test, https://other.test"}
Conditions:
  HasExtra: !Equals [!Ref Extra, "yes"]
  NoExtra: !Not [{Condition: HasExtra}]
  Both: !And [!Condition HasExtra, !Condition NoExtra]
  Either: !Or [!Condition HasExtra, !Condition NoExtra]
Globals:
  Function:
    Runtime: provided.al2023
    Timeout: 15
    Environment:
      Variables:
        STAGE: !Ref Stage
        QUEUE_URL: {Ref: Jobs}
        QUEUE_ARN: !GetAtt Jobs.Arn
        SECRET: !Ref AppSecret
        NULLED: !If [HasExtra, "set", !Ref AWS::NoValue]
        JOINED: !Join ["-", [a, !Ref Stage, b]]
        LONG: {"Fn::Sub": ["${Own}.${AWS::Region}.${!Literal}.${Jobs.QueueName}", {Own: {"Fn::GetAtt": [Jobs, QueueName]}}]}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration: {AllowOrigins: !Ref Origins, MaxAge: 600}
      DefaultRouteSettings: {ThrottlingBurstLimit: 100}
      Auth:
        DefaultAuthorizer: Caller
        Authorizers:
          Caller:
            FunctionArn: !GetAtt WhoFunction.Arn
            AuthorizerPayloadFormatVersion: "2.0"
            EnableSimpleResponses: true
            Identity: {Headers: [X-API-Key], ReauthorizeEvery: 60}
  WhoFunction:
    Type: AWS::Serverless::Function
    Properties: {Description: who}
  DoThingsFunction:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: makefile}
    Properties:
      Timeout: !Ref Seconds
      MemorySize: 256
      ReservedConcurrentExecutions: 3
      Policies: [{SQSSendMessagePolicy: {QueueName: !Unheard of}}]
      Environment:
        Variables: {STAGE: mine, OWN: !Sub "${DoThingsFunction}"}
      Events:
        Public:
          Type: HttpApi
          Properties: {ApiId: !Ref Api, Method: get, Path: "/things/{id}", Auth: {Authorizer: NONE}}
        Private:
          Type: HttpApi
          Properties: {ApiId: !Ref Api, Method: ANY, Path: /things}
        Rest:
          Type: HttpApi
          Properties: {ApiId: !Ref Api, Method: ANY, Path: $default}
        Queue:
          Type: SQS
          Properties:
            Queue: !GetAtt Jobs.Arn
            BatchSize: 5
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {MaximumConcurrency: 2}
        Often:
          Type: Schedule
          Properties: {Schedule: rate(5 minutes), Input: '{"a":1}', Description: often}
        Never:
          Type: Schedule
          Properties: {Schedule: rate(1 minute), Enabled: false}
  OnlyWithExtraFunction:
    Type: AWS::Serverless::Function
    Condition: HasExtra
    Properties: {Environment: {Variables: {BOTH: !If [Both, "1", "0"], EITHER: !If [Either, "1", "0"]}}}
  Jobs:
    Type: AWS::SQS::Queue
    DeletionPolicy: Retain
    Properties:
      QueueName: !Sub act-${Stage}-jobs.fifo
      FifoQueue: true
      VisibilityTimeout: 60
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5}
  Dead:
    Type: AWS::SQS::Queue
    Properties: {FifoQueue: false, RedriveAllowPolicy: {redrivePermission: allowAll}}
  Plain: {Type: AWS::SQS::Queue}
  AppSecret:
    Type: AWS::SecretsManager::Secret
    Properties: {Name: !Sub "act/${Stage}/app", Description: secrets, SecretString: "{}"}
  Logs: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: !GetAtt Nothing.Known}}
Outputs:
  Url: {Value: !Sub "https://${Api}"}
`

func TestRead(t *testing.T) {
	t.Parallel()
	got, err := template.Read([]byte(whole), config(map[string]string{"Seconds": "9"}))
	if err != nil {
		t.Fatal(err)
	}
	environment := func(own map[string]string) map[string]string {
		all := map[string]string{
			"STAGE": "dev", "QUEUE_URL": "http://127.0.0.1:4002/000000000000/act-dev-jobs.fifo",
			"QUEUE_ARN": "arn:aws:sqs:eu-west-1:000000000000:act-dev-jobs.fifo",
			"SECRET":    "arn:aws:secretsmanager:eu-west-1:000000000000:secret:act/dev/app",
			"JOINED":    "a-dev-b", "LONG": "act-dev-jobs.fifo.eu-west-1.${Literal}.act-dev-jobs.fifo",
		}
		for name, value := range own {
			all[name] = value
		}
		return all
	}
	want := &template.Template{
		API: &template.API{
			Stage: "$default",
			Authorizers: map[string]template.Authorizer{
				"Caller": {Function: "who", IdentitySources: []string{"$request.header.X-API-Key"}, TTL: time.Minute},
			},
			CORS: &template.CORS{AllowOrigins: []string{"https://app.test", "https://other.test"}, MaxAge: 10 * time.Minute},
		},
		Functions: []template.Function{
			{
				ID: "DoThingsFunction", Name: "do-things", Timeout: 9 * time.Second, MemoryMB: 256, Concurrency: 3,
				Environment: environment(map[string]string{"STAGE": "mine", "OWN": "do-things"}),
				Routes: []template.Route{
					{Method: "ANY", Path: "/things", Authorizer: "Caller"},
					{Method: "GET", Path: "/things/{id}"},
					{Authorizer: "Caller"},
				},
				Mappings: []template.Mapping{{
					QueueARN: "arn:aws:sqs:eu-west-1:000000000000:act-dev-jobs.fifo", BatchSize: 5, MaximumConcurrency: 2, PartialFailures: true,
				}},
				Schedules: []template.Schedule{{Name: "Often", Expression: "rate(5 minutes)", Input: `{"a":1}`}},
			},
			{ID: "WhoFunction", Name: "who", Timeout: 15 * time.Second, MemoryMB: 128, Environment: environment(nil)},
		},
		Queues: []template.Queue{
			{Name: "Dead", ARN: "arn:aws:sqs:eu-west-1:000000000000:Dead", URL: "http://127.0.0.1:4002/000000000000/Dead", Attributes: map[string]string{
				"RedriveAllowPolicy": `{"redrivePermission":"allowAll"}`,
			}},
			{
				Name: "act-dev-jobs.fifo", ARN: "arn:aws:sqs:eu-west-1:000000000000:act-dev-jobs.fifo",
				URL: "http://127.0.0.1:4002/000000000000/act-dev-jobs.fifo",
				Attributes: map[string]string{
					"FifoQueue": "true", "VisibilityTimeout": "60",
					"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:Dead","maxReceiveCount":5}`,
				},
			},
			{Name: "Plain", ARN: "arn:aws:sqs:eu-west-1:000000000000:Plain", URL: "http://127.0.0.1:4002/000000000000/Plain", Attributes: map[string]string{}},
		},
		Secrets: []template.Secret{{ID: "AppSecret", Name: "act/dev/app", Description: "secrets", Value: "{}"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestConditionHolds(t *testing.T) {
	t.Parallel()
	got, err := template.Read([]byte(whole), config(map[string]string{"Extra": "yes"}))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Functions) != 3 || got.Functions[1].Name != "only-with-extra" {
		t.Fatalf("functions %+v", got.Functions)
	}
	if e := got.Functions[1].Environment; e["NULLED"] != "set" || e["BOTH"] != "0" || e["EITHER"] != "1" {
		t.Errorf("environment %v", e)
	}
}

// TestProjectTemplate reads the template that the project is deployed with.
func TestProjectTemplate(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := template.Read(source, config(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range got.Functions {
		if f.Name == "health" && len(f.Routes) == 1 && f.Routes[0].Authorizer == "" {
			return
		}
	}
	t.Errorf("no function health with a public route in %+v", got.Functions)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	// Each case is a resource, or lines of several, with the error that reading them must give.
	function := func(properties string) string {
		return "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      " + properties
	}
	event := func(event string) string { return function("Events: {E: " + event + "}") }
	for name, c := range map[string]struct{ source, want string }{
		"nothing":                      {"", "line 1: the template: is empty"},
		"no YAML":                      {"a: [", "read the template"},
		"an unknown section":           {"Mappings: {}", "line 1: Mappings: is not known to the local system"},
		"an unknown global":            {"Globals: {Api: {}}", "line 1: Globals.Api: is not known"},
		"an unknown type of resource":  {"Resources:\n  T:\n    Type: AWS::DynamoDB::Table\n    Properties: {}", `line 4: Resources.T: resources of type "AWS::DynamoDB::Table"`},
		"an unknown property":          {function("Layers: []"), "line 5: Resources.F.Properties.Layers: is not known"},
		"a property twice":             {function("Timeout: 1\n      Timeout: 2"), "line 6: Resources.F.Properties.Timeout: stands twice"},
		"an unknown type of event":     {event("{Type: S3}"), `line 5: Resources.F.Properties.Events.E: events of type "S3"`},
		"an unknown intrinsic":         {function("Timeout: !Select [0, [1]]"), "line 5: Resources.F.Properties.Timeout: the intrinsic function Fn::Select"},
		"a reference to nothing":       {function("Timeout: !Ref Nothing"), "there is no parameter and no resource Nothing"},
		"an attribute of nothing":      {function("Timeout: !GetAtt Nothing.Arn"), "no resource Nothing"},
		"an unknown attribute":         {function("Timeout: !GetAtt F.Version"), "the attribute Version of F is not known"},
		"no attribute":                 {function("Timeout: !GetAtt F"), "!GetAtt needs"},
		"no number":                    {function("Timeout: soon"), "line 5: Resources.F.Properties.Timeout: a number is needed here"},
		"a list for a number":          {function("Timeout: [1]"), "a number is needed here"},
		"no map":                       {function("Environment: 5"), "a map is needed here"},
		"no list":                      {event("{Type: SQS, Properties: {FunctionResponseTypes: x}}"), "a list is needed here"},
		"too long a time limit":        {function("Timeout: 901"), "901 s is not within"},
		"too little memory":            {function("MemorySize: 64"), "64 MB is not within"},
		"a function that never runs":   {function("ReservedConcurrentExecutions: 0"), "never runs"},
		"a condition that is not":      {function("Timeout: !If [None, 1, 2]"), "there is no condition None"},
		"a condition of itself":        {"Conditions: {A: !Not [!Condition A]}\n" + function("Timeout: !If [A, 1, 2]"), "condition A leads back to itself"},
		"what is no condition":         {"Conditions: {A: yes}\n" + function("Timeout: !If [A, 1, 2]"), "line 1: Conditions.A: is no condition"},
		"a name of itself":             {"Resources: {Q: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt Q.QueueName}}}", "Q leads back to itself"},
		"a reference to what is off":   {"Conditions: {A: !Equals [1, 2]}\nResources:\n  Q: {Type: AWS::SQS::Queue, Condition: A}\n  F: {Type: AWS::Serverless::Function, Properties: {Timeout: !Ref Q}}", "the condition of Q does not hold"},
		"a route without an API":       {event("{Type: HttpApi, Properties: {Method: GET, Path: /a}}"), "function f has a route and the template no HTTP API"},
		"a method without a path":      {event("{Type: HttpApi, Properties: {Method: GET}}"), "Method and Path go together"},
		"an unknown method":            {event("{Type: HttpApi, Properties: {Method: FETCH, Path: /}}"), `"FETCH" is no method`},
		"a path without a slash":       {event("{Type: HttpApi, Properties: {Method: GET, Path: a}}"), "does not begin with /"},
		"an older payload":             {event(`{Type: HttpApi, Properties: {PayloadFormatVersion: "1.0"}}`), "payload format 1.0"},
		"a queue of another place":     {event("{Type: SQS, Properties: {Queue: arn:x}}"), "arn:x, which is no queue"},
		"a batch too large":            {event("{Type: SQS, Properties: {Queue: arn:x, BatchSize: 11}}"), "need a MaximumBatchingWindowInSeconds"},
		"a window on a FIFO queue":     {event("{Type: SQS, Properties: {Queue: q.fifo, MaximumBatchingWindowInSeconds: 1}}"), "a FIFO queue has none"},
		"a filter":                     {event("{Type: SQS, Properties: {FilterCriteria: {}}}"), "Properties.FilterCriteria: is not known"},
		"a concurrency of one":         {event("{Type: SQS, Properties: {Queue: q, ScalingConfig: {MaximumConcurrency: 1}}}"), "not within 2 and"},
		"a schedule without one":       {event("{Type: Schedule, Properties: {}}"), "Schedule: needs a value"},
		"an input that is no JSON":     {event("{Type: Schedule, Properties: {Schedule: rate(1 day), Input: '{'}}"), "Input: is no JSON"},
		"a parameter without a value":  {"Parameters: {P: {Type: String}}", "line 1: Parameters.P: needs a value"},
		"a parameter of another type":  {"Parameters: {P: {Type: AWS::SSM::Parameter::Name, Default: x}}", "are not known"},
		"a number that is none":        {"Parameters: {P: {Type: Number, Default: x}}", `"x" is no number`},
		"a value that is not allowed":  {"Parameters: {P: {Type: String, Default: x, AllowedValues: [a, b]}}", `"x" is not one of a, b`},
		"a value of another pattern":   {"Parameters: {P: {Type: String, Default: xa, AllowedPattern: 'a|x'}}", `"xa" does not match a|x`},
		"a pattern that is none":       {"Parameters: {P: {Type: String, Default: x, AllowedPattern: '('}}", "AllowedPattern"},
		"a value with its own excuse":  {"Parameters: {P: {Type: String, Default: x, MinLength: 2, ConstraintDescription: is short}}", `"x" is short`},
		"a value too long":             {"Parameters: {P: {Type: String, Default: xxx, MaxLength: 2}}", "longer than 2"},
		"a number too small":           {"Parameters: {P: {Type: Number, Default: 1, MinValue: 2}}", "less than 2"},
		"a number too large":           {"Parameters: {P: {Type: Number, Default: 3, MaxValue: 2}}", "more than 2"},
		"an attribute SQS has not":     {"Resources: {Q: {Type: AWS::SQS::Queue, Properties: {Speed: 1}}}", "Resources.Q.Properties.Speed: is not known"},
		"two APIs":                     {"Resources: {A: {Type: AWS::Serverless::HttpApi}, B: {Type: AWS::Serverless::HttpApi}}", "a second HTTP API"},
		"an authorizer that is not":    {"Resources: {A: {Type: AWS::Serverless::HttpApi, Properties: {Auth: {DefaultAuthorizer: Who}}}, F: {Type: AWS::Serverless::Function, Properties: {Events: {E: {Type: HttpApi}}}}}", "there is no authorizer Who"},
		"an authorizer without a body": {"Resources: {A: {Type: AWS::Serverless::HttpApi, Properties: {Auth: {Authorizers: {W: {FunctionArn: arn:x, AuthorizerPayloadFormatVersion: '2.0', EnableSimpleResponses: true}}}}}}", "there is no function x"},
		"an older authorizer":          {"Resources: {A: {Type: AWS::Serverless::HttpApi, Properties: {Auth: {Authorizers: {W: {FunctionArn: arn:x}}}}}}", "only authorizers of payload format 2.0"},
		"a JWT authorizer":             {"Resources: {A: {Type: AWS::Serverless::HttpApi, Properties: {Auth: {Authorizers: {W: {JwtConfiguration: {}}}}}}}", "Authorizers.W.JwtConfiguration: is not known"},
		"one route twice":              {"Resources: {A: {Type: AWS::Serverless::HttpApi}, F: {Type: AWS::Serverless::Function, Properties: {Events: {E: {Type: HttpApi}, E2: {Type: HttpApi}}}}}", "both take"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := template.Read([]byte(c.source), config(nil))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
			if place, ok := errors.AsType[*template.Error](err); ok && (place.Line < 1 || place.Path == "") {
				t.Errorf("no place: %+v", place)
			}
		})
	}
}
