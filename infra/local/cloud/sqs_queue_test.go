package cloud_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
)

func TestAttributesOfNewQueues(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	common := map[string]string{
		"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesDelayed": "0", "ApproximateNumberOfMessagesNotVisible": "0",
		"CreatedTimestamp": "1772366400", "LastModifiedTimestamp": "1772366400", "DelaySeconds": "0", "MaximumMessageSize": "1048576",
		"MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true", "VisibilityTimeout": "30",
	}
	plain := maps.Clone(common)
	plain["QueueArn"] = "arn:aws:sqs:eu-west-1:000000000000:plain"
	fifo := maps.Clone(common)
	maps.Copy(fifo, map[string]string{
		"QueueArn": "arn:aws:sqs:eu-west-1:000000000000:q.fifo", "FifoQueue": "true", "ContentBasedDeduplication": "false",
		"DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue",
	})
	for name, want := range map[string]map[string]string{"plain": plain, "q.fifo": fifo} {
		if got := s.attributes(t, s.queue(t, name, nil)); !maps.Equal(got, want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestSetQueueAttributes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		fifo bool
		set  map[string]string
		want string // the code it is refused with, or what it sets
	}{
		"numbers":                     {set: map[string]string{"DelaySeconds": "420", "VisibilityTimeout": "0"}, want: "DelaySeconds=420 VisibilityTimeout=0"},
		"the least":                   {set: map[string]string{"MaximumMessageSize": "1024", "MessageRetentionPeriod": "60"}, want: "MaximumMessageSize=1024 MessageRetentionPeriod=60"},
		"the most":                    {set: map[string]string{"ReceiveMessageWaitTimeSeconds": "20", "VisibilityTimeout": "43200"}, want: "ReceiveMessageWaitTimeSeconds=20 VisibilityTimeout=43200"},
		"too little":                  {set: map[string]string{"MaximumMessageSize": "1023"}, want: "InvalidAttributeValue"},
		"too much":                    {set: map[string]string{"MaximumMessageSize": "1048577"}, want: "InvalidAttributeValue"},
		"no number":                   {set: map[string]string{"DelaySeconds": "soon"}, want: "InvalidAttributeValue"},
		"nothing: the default":        {set: map[string]string{"DelaySeconds": ""}, want: "DelaySeconds=0"},
		"unknown":                     {set: map[string]string{"Colour": "red"}, want: "InvalidAttributeName"},
		"read only":                   {set: map[string]string{"QueueArn": "x"}, want: "InvalidAttributeName"},
		"one of two is wrong":         {set: map[string]string{"DelaySeconds": "1", "VisibilityTimeout": "-1"}, want: "InvalidAttributeValue"},
		"none":                        {set: map[string]string{}, want: "MissingParameter"},
		"a policy":                    {set: map[string]string{"Policy": `{"Version":"2012-10-17"}`}, want: `Policy={"Version":"2012-10-17"}`},
		"no policy":                   {set: map[string]string{"Policy": "x"}, want: "InvalidAttributeValue"},
		"a key":                       {set: map[string]string{"KmsMasterKeyId": "k", "KmsDataKeyReusePeriodSeconds": "6000"}, want: "KmsDataKeyReusePeriodSeconds=6000 KmsMasterKeyId=k"},
		"a key and SQS's own":         {set: map[string]string{"KmsMasterKeyId": "k", "SqsManagedSseEnabled": "true"}, want: "InvalidAttributeName"},
		"standard: FIFO's":            {set: map[string]string{"ContentBasedDeduplication": "true"}, want: "InvalidAttributeName"},
		"standard: becoming FIFO":     {set: map[string]string{"FifoQueue": "true"}, want: "InvalidAttributeName"},
		"standard: scope":             {set: map[string]string{"DeduplicationScope": "queue"}, want: "InvalidAttributeName"},
		"fifo: becoming standard":     {fifo: true, set: map[string]string{"FifoQueue": "false"}, want: "InvalidAttributeValue"},
		"fifo: deduplication":         {fifo: true, set: map[string]string{"ContentBasedDeduplication": "True"}, want: "ContentBasedDeduplication=true"},
		"fifo: high throughput":       {fifo: true, set: map[string]string{"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}, want: "DeduplicationScope=messageGroup FifoThroughputLimit=perMessageGroupId"},
		"fifo: limit without scope":   {fifo: true, set: map[string]string{"FifoThroughputLimit": "perMessageGroupId"}, want: "InvalidAttributeValue"},
		"redrive: no JSON":            {set: map[string]string{"RedrivePolicy": "x"}, want: "InvalidParameterValue"},
		"redrive: no target":          {set: map[string]string{"RedrivePolicy": `{"maxReceiveCount":1}`}, want: "InvalidParameterValue"},
		"redrive: no count":           {set: map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:dead"}`}, want: "InvalidParameterValue"},
		"redrive: count of zero":      {set: map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:dead","maxReceiveCount":0}`}, want: "InvalidParameterValue"},
		"redrive: count of 1001":      {set: map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:dead","maxReceiveCount":1001}`}, want: "InvalidParameterValue"},
		"redrive: no such queue":      {set: map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:none","maxReceiveCount":1}`}, want: "InvalidParameterValue"},
		"redrive: another region":     {set: map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:abroad","maxReceiveCount":1}`}, want: "InvalidParameterValue"},
		"redrive: itself":             {set: map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:q","maxReceiveCount":1}`}, want: "InvalidParameterValue"},
		"redrive: fifo to standard":   {fifo: true, set: map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:dead","maxReceiveCount":1}`}, want: "InvalidParameterValue"},
		"redrive: not allowed":        {set: map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:closed","maxReceiveCount":1}`}, want: "InvalidParameterValue"},
		"redrive: a count as text":    {set: map[string]string{"RedrivePolicy": `{ "deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:dead", "maxReceiveCount":"3" }`}, want: `RedrivePolicy={"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:dead","maxReceiveCount":3}`},
		"allow: by queue":             {set: map[string]string{"RedriveAllowPolicy": `{"redrivePermission":"byQueue","sourceQueueArns":["a"]}`}, want: `RedriveAllowPolicy={"redrivePermission":"byQueue","sourceQueueArns":["a"]}`},
		"allow: by queue without any": {set: map[string]string{"RedriveAllowPolicy": `{"redrivePermission":"byQueue"}`}, want: "InvalidAttributeValue"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, cloud.Config{})
			s.queue(t, "dead", nil)
			if status, answer := s.post(t, "AmazonSQS.CreateQueue", `{"QueueName":"abroad"}`); status != 200 { // in us-east-1
				t.Fatal(answer)
			}
			s.queue(t, "closed", map[string]string{"RedriveAllowPolicy": `{"redrivePermission":"denyAll"}`})
			queue := "q"
			if c.fifo {
				queue = "q.fifo"
			}
			url := s.queue(t, queue, nil)
			before := s.attributes(t, url)
			_, err := s.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: c.set})
			after := s.attributes(t, url)
			if err != nil {
				if got := code(err); got != c.want || !maps.Equal(before, after) {
					t.Fatalf("%v, want %s; before %v, after %v", err, c.want, before, after)
				}
				return
			}
			var set []string
			for _, attribute := range slices.Sorted(maps.Keys(c.set)) {
				set = append(set, attribute+"="+after[attribute])
			}
			if got := strings.Join(set, " "); got != c.want {
				t.Fatalf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestOneWayOfEncrypting(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	url := s.queue(t, "q", map[string]string{"KmsMasterKeyId": "k"})
	if got := s.attributes(t, url); got["SqsManagedSseEnabled"] != "false" || got["KmsMasterKeyId"] != "k" {
		t.Fatalf("%v", got)
	}
	_, err := s.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: &url, Attributes: map[string]string{"SqsManagedSseEnabled": "true"},
	})
	if got := s.attributes(t, url); err != nil || got["SqsManagedSseEnabled"] != "true" || got["KmsMasterKeyId"] != "" {
		t.Fatalf("%v, %v", got, err)
	}
}

func TestCreateQueue(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	first := s.queue(t, "q", map[string]string{"DelaySeconds": "1", "VisibilityTimeout": "7"})
	cases := map[string]struct {
		name       string
		attributes map[string]string
		want       string
	}{
		"the same again":            {"q", map[string]string{"DelaySeconds": "1"}, ""},
		"again, nothing said":       {"q", nil, ""},
		"again, something else":     {"q", map[string]string{"DelaySeconds": "2"}, "QueueAlreadyExists"},
		"again, a default said":     {"q", map[string]string{"MaximumMessageSize": "1048576"}, ""},
		"no name":                   {"", nil, "MissingParameter"},
		"a long name":               {strings.Repeat("x", 80), nil, ""},
		"a longer one":              {strings.Repeat("x", 81), nil, "InvalidParameterValue"},
		"a name of symbols":         {"a/b", nil, "InvalidParameterValue"},
		"a path":                    {"../q", nil, "InvalidParameterValue"},
		"a suffix alone":            {".fifo", map[string]string{"FifoQueue": "true"}, "InvalidParameterValue"},
		"a fifo name alone":         {"x.fifo", nil, "InvalidParameterValue"},
		"a fifo attribute alone":    {"x", map[string]string{"FifoQueue": "true"}, "InvalidParameterValue"},
		"standard, said by False":   {"y", map[string]string{"FifoQueue": "false"}, "InvalidAttributeName"},
		"an unknown attribute":      {"z", map[string]string{"Colour": "red"}, "InvalidAttributeName"},
		"a value out of its range":  {"z", map[string]string{"DelaySeconds": "901"}, "InvalidAttributeValue"},
		"dead letters to nowhere":   {"z", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:no","maxReceiveCount":1}`}, "InvalidParameterValue"},
		"dead letters to no queue":  {"z", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:s3:::bucket","maxReceiveCount":1}`}, "InvalidParameterValue"},
		"dead letters, no policy":   {"none", map[string]string{"RedrivePolicy": "{}"}, ""},
		"dead letters, empty again": {"none", map[string]string{"RedrivePolicy": ""}, ""},
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c := cases[name]
		_, err := s.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &c.name, Attributes: c.attributes})
		if got := code(err); got != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if got := s.attributes(t, first); got["DelaySeconds"] != "1" || got["VisibilityTimeout"] != "7" {
		t.Fatalf("%v", got)
	}
}

func TestQueuesAreListedByPages(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	for i := range 5 {
		s.queue(t, fmt.Sprint("a", i), nil)
		s.queue(t, fmt.Sprint("b", i), nil)
	}
	var names []string
	pages := sqs.NewListQueuesPaginator(s.sqs, &sqs.ListQueuesInput{QueueNamePrefix: aws.String("a"), MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(page.QueueUrls) > 2 {
			t.Fatalf("%v", page.QueueUrls)
		}
		for _, url := range page.QueueUrls {
			names = append(names, url[strings.LastIndex(url, "/")+1:])
		}
	}
	if got := strings.Join(names, " "); got != "a0 a1 a2 a3 a4" {
		t.Fatal(got)
	}
	all, err := s.sqs.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if err != nil || len(all.QueueUrls) != 10 || all.NextToken != nil {
		t.Fatalf("%+v, %v", all, err)
	}
	for name, in := range map[string]*sqs.ListQueuesInput{
		"none a page":    {MaxResults: aws.Int32(0)},
		"too many":       {MaxResults: aws.Int32(1001)},
		"a broken token": {NextToken: aws.String("%%%")},
	} {
		if _, err := s.sqs.ListQueues(t.Context(), in); code(err) != "InvalidParameterValue" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDeleteQueue(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	url := s.queue(t, "q", nil)
	s.send(t, sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("m")})
	if _, err := s.sqs.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &url}); err != nil {
		t.Fatal(err)
	}
	_, err := s.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("m")})
	if code(err) != "AWS.SimpleQueueService.NonExistentQueue" {
		t.Fatal(err)
	}
	s.queue(t, "q", nil)
	if got := s.counts(t, url); got != "0 0 0" {
		t.Fatal(got)
	}
}

func TestPurgeQueue(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	url := s.queue(t, "q", nil)
	purge := func() string {
		s.send(t, sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("m")})
		_, err := s.sqs.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &url})
		return code(err)
	}
	s.send(t, sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("in flight")})
	s.receive(t, url)
	if got := purge(); got != "" || s.counts(t, url) != "0 0 0" {
		t.Fatal(got)
	}
	s.clock.Advance(59 * time.Second)
	if got := purge(); got != "AWS.SimpleQueueService.PurgeQueueInProgress" || s.counts(t, url) != "1 0 0" {
		t.Fatal(got)
	}
	s.clock.Advance(time.Second)
	if got := purge(); got != "" || s.counts(t, url) != "0 0 0" {
		t.Fatal(got)
	}
}

func TestQueueTags(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	made, err := s.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q"), Tags: map[string]string{"a": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	url := made.QueueUrl
	if _, err := s.sqs.TagQueue(t.Context(), &sqs.TagQueueInput{QueueUrl: url, Tags: map[string]string{"b": "2", "c": ""}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.sqs.UntagQueue(t.Context(), &sqs.UntagQueueInput{QueueUrl: url, TagKeys: []string{"a", "none"}}); err != nil {
		t.Fatal(err)
	}
	got, err := s.sqs.ListQueueTags(t.Context(), &sqs.ListQueueTagsInput{QueueUrl: url})
	if err != nil || !maps.Equal(got.Tags, map[string]string{"b": "2", "c": ""}) {
		t.Fatalf("%v, %v", got, err)
	}
	many := map[string]string{}
	for i := range 51 {
		many[strconv.Itoa(i)] = ""
	}
	for name, tags := range map[string]map[string]string{
		"too many": many, "no key": {"": "x"}, "a long key": {strings.Repeat("x", 129): ""}, "a long value": {"k": strings.Repeat("x", 257)},
	} {
		if _, err := s.sqs.TagQueue(t.Context(), &sqs.TagQueueInput{QueueUrl: url, Tags: tags}); code(err) != "InvalidParameterValue" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGetQueueAttributes(t *testing.T) {
	t.Parallel()
	s := start(t, cloud.Config{})
	url := s.queue(t, "q", nil)
	cases := map[string]struct {
		names []types.QueueAttributeName
		count int
		want  string
	}{
		"two":               {[]types.QueueAttributeName{"QueueArn", "DelaySeconds"}, 2, ""},
		"none":              {nil, 0, ""},
		"one that is unset": {[]types.QueueAttributeName{"RedrivePolicy"}, 0, ""},
		"an unknown one":    {[]types.QueueAttributeName{"Colour"}, 0, "InvalidAttributeName"},
	}
	for name, c := range cases {
		out, err := s.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: c.names})
		if code(err) != c.want || err == nil && len(out.Attributes) != c.count {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
}
