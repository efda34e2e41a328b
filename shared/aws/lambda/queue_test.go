package lambda_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

const (
	standardARN = "arn:aws:sqs:eu-west-1:000000000000:jobs"
	fifoARN     = standardARN + ".fifo"
)

// records makes messages 0, 1, …, one a group.
func records(arn string, groups ...string) []events.SQSMessage {
	records := make([]events.SQSMessage, len(groups))
	for i, group := range groups {
		records[i] = events.SQSMessage{
			MessageId: strconv.Itoa(i), Body: "body " + strconv.Itoa(i), EventSourceARN: arn,
			Attributes: map[string]string{"MessageGroupId": group, "ApproximateReceiveCount": "2"},
		}
	}
	return records
}

func failed(answer events.SQSEventResponse) []string {
	ids := []string{}
	for _, failure := range answer.BatchItemFailures {
		ids = append(ids, failure.ItemIdentifier)
	}
	return ids
}

func TestBatch(t *testing.T) {
	t.Parallel()
	fail, burst := errors.New("refused"), errors.New("panic")
	for name, c := range map[string]struct {
		arn           string
		groups        []string
		fails         map[string]error
		handled, want []string
	}{
		"an empty batch":                        {standardARN, nil, nil, nil, nil},
		"all well":                              {standardARN, []string{"", ""}, nil, []string{"0", "1"}, nil},
		"one fails, the others do not":          {standardARN, []string{"", "", ""}, map[string]error{"1": fail}, []string{"0", "1", "2"}, []string{"1"}},
		"a panic is a failure":                  {standardARN, []string{"", ""}, map[string]error{"0": burst}, []string{"0", "1"}, []string{"0"}},
		"fifo: the rest of the group waits":     {fifoARN, []string{"a", "b", "a", "b", "a"}, map[string]error{"0": fail}, []string{"0", "1", "3"}, []string{"0", "2", "4"}},
		"fifo: a panic blocks its group too":    {fifoARN, []string{"a", "a", "b"}, map[string]error{"0": burst}, []string{"0", "2"}, []string{"0", "1"}},
		"fair groups of a standard queue go on": {standardARN, []string{"a", "a"}, map[string]error{"0": fail}, []string{"0", "1"}, []string{"0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var handled []string
			answer, err := lambda.Batch(func(_ context.Context, m lambda.Message) error {
				handled = append(handled, m.ID)
				if c.fails[m.ID] == burst { //nolint:errorlint // a marker of this table
					panic("burst")
				}
				return c.fails[m.ID]
			})(context.Background(), events.SQSEvent{Records: records(c.arn, c.groups...)})
			if err != nil || !slices.Equal(handled, c.handled) || !slices.Equal(failed(answer), c.want) {
				t.Errorf("handled %v, want %v; failed %v, want %v; error %v", handled, c.handled, failed(answer), c.want, err)
			}
			if answer.BatchItemFailures == nil {
				t.Error("no list at all")
			}
		})
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	text := "incremental"
	record := records(fifoARN, "partners")[0]
	record.MessageAttributes = map[string]events.SQSMessageAttribute{
		"type": {DataType: "String", StringValue: &text}, "raw": {DataType: "Binary", BinaryValue: []byte{1}},
	}
	_, err := lambda.Batch(func(_ context.Context, m lambda.Message) error {
		if m.ID != "0" || m.Body != "body 0" || m.Group != "partners" || m.Receives != 2 || len(m.Attributes) != 1 || m.Attributes["type"] != text {
			t.Errorf("message %+v", m)
		}
		return nil
	})(context.Background(), events.SQSEvent{Records: []events.SQSMessage{record}})
	if err != nil {
		t.Error(err)
	}
}

func TestWhatTheDeadlineLeavesNoTimeForComesAgain(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	var handled []string
	answer, err := lambda.Batch(func(_ context.Context, m lambda.Message) error {
		handled = append(handled, m.ID)
		cancel()
		return nil
	})(ctx, events.SQSEvent{Records: records(standardARN, "", "", "")})
	if err != nil || !slices.Equal(handled, []string{"0"}) || !slices.Equal(failed(answer), []string{"1", "2"}) {
		t.Errorf("handled %v, failed %v, error %v", handled, failed(answer), err)
	}
}

// TestBatchKeepsOrder: in a FIFO queue nothing of a group is handled once an earlier message of that group failed, and exactly what
// was not handled well is reported.
func TestBatchKeepsOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 10).Draw(t, "groups")
		fails := map[string]bool{}
		for i := range groups {
			fails[strconv.Itoa(i)] = rapid.Bool().Draw(t, "fails")
		}
		done := map[string]bool{}
		answer, err := lambda.Batch(func(_ context.Context, m lambda.Message) error {
			if fails[m.ID] {
				return errors.New("refused")
			}
			done[m.ID] = true
			return nil
		})(context.Background(), events.SQSEvent{Records: records(fifoARN, groups...)})
		if err != nil {
			t.Fatal(err)
		}
		reported, broken := failed(answer), map[string]bool{}
		for i, group := range groups {
			id := strconv.Itoa(i)
			broken[group] = broken[group] || fails[id]
			if done[id] == broken[group] || slices.Contains(reported, id) != broken[group] {
				t.Fatalf("message %s of %s: handled %v, reported %v", id, group, done[id], reported)
			}
		}
	})
}
