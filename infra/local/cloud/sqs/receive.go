package sqs

import (
	"context"
	"slices"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/cloud/awsjson"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/attribute"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/content"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/queue"
	"github.com/act-platform/enhanced-integration/infra/local/cloud/sqs/refusal"
)

type receiveMessageInput struct {
	queueInput
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	AttributeNames              []string // the older name of the next
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
}

type receiveMessageOutput struct {
	Messages []receivedMessage `json:",omitempty"`
}

type receivedMessage struct {
	MessageID         string `json:"MessageId"`
	ReceiptHandle     string
	Body              string
	BodyDigest        string                   `json:"MD5OfBody"`
	Attributes        map[string]string        `json:",omitempty"`
	MessageAttributes map[string]content.Value `json:",omitempty"`
	AttributesDigest  string                   `json:"MD5OfMessageAttributes,omitempty"`
}

// poll is a receiveMessageInput, checked.
type poll struct {
	queue.Request
	wait       *time.Duration // nil: as the queue says
	visibility *time.Duration // likewise
}

func (in receiveMessageInput) poll() (poll, error) {
	p := poll{Request: queue.Request{Max: 1}}
	if n := in.MaxNumberOfMessages; n != nil {
		if *n < 1 || *n > 10 {
			return p, refusal.InvalidValue(*n, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
		}
		p.Max = *n
	}
	if n := in.WaitTimeSeconds; n != nil {
		if *n < 0 || *n > 20 {
			return p, refusal.InvalidValue(*n, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
		}
		wait := time.Duration(*n) * time.Second
		p.wait = &wait
	}
	if n := in.VisibilityTimeout; n != nil {
		timeout, err := visibilityTimeout(*n)
		if err != nil {
			return p, err
		}
		p.visibility = &timeout
	}
	for _, name := range slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames) {
		if !isSystemAttribute(name) {
			return p, refusal.UnknownAttribute(name)
		}
	}
	return p, nil
}

// receiveMessage hands out messages. With a wait and nothing to give out it answers when there is something, when the wait
// is over, when ctx ends, or when the service closes.
//
// See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html.
func (s *Service) receiveMessage(
	ctx context.Context, scope awsjson.Scope, in receiveMessageInput,
) (receiveMessageOutput, error) {
	var out receiveMessageOutput
	p, err := in.poll()
	if err != nil {
		return out, err
	}
	var over <-chan time.Time // the end of the wait
	for {
		var wait, next time.Duration
		var again <-chan struct{}
		err := s.on(scope, in.QueueURL, func(now time.Time, e *entry) error {
			received, err := s.receive(now, e, p)
			if err != nil {
				return err
			}
			for _, m := range received {
				out.Messages = append(out.Messages, in.describe(e, m))
			}
			if len(received) == 0 {
				wait, next, again = e.wait(p), s.next(now, e), e.changed
			}
			return nil
		})
		if err != nil || wait == 0 {
			return out, err
		}
		if over == nil {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			over = timer.C
		}
		// Nobody is there to receive anything once ctx has ended, though the queue may have changed at the same moment.
		if !s.pause(ctx, over, again, next) || ctx.Err() != nil {
			return out, nil
		}
	}
}

// wait returns how long a poll that finds nothing waits.
func (e *entry) wait(p poll) time.Duration {
	if p.wait != nil {
		return *p.wait
	}
	return e.Attributes.Seconds(attribute.Wait)
}

// pause waits until the queue changed or next has passed (zero: never), and reports whether to look again.
func (s *Service) pause(ctx context.Context, over <-chan time.Time, again <-chan struct{}, next time.Duration) bool {
	var due <-chan time.Time
	if next > 0 {
		timer := time.NewTimer(next)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-again:
		return true
	case <-due:
		return true
	case <-over:
	case <-ctx.Done():
	case <-s.closed:
	}
	return false
}
