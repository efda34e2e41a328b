// Package eventsource takes messages from SQS queues to functions, as Lambda's event-source mappings do.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
package eventsource

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
	"github.com/act-platform/enhanced-integration/infra/local/template"
)

const (
	concurrency = 5                // batches of one mapping at once, where the template says nothing
	longPoll    = 20 * time.Second // the longest that SQS waits for a message
	pause       = time.Second      // after a queue could not be read
	deleteTime  = 5 * time.Second  // to delete what was done, also when the system is stopping
)

// Invoker calls a function. [lambdahost.Host] is one.
type Invoker interface {
	Invoke(ctx context.Context, function string, event []byte) (lambdahost.Result, error)
}

// Queue is SQS. [sqs.Client] is one.
type Queue interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
}

// Config says what is mapped.
type Config struct {
	Functions []template.Function
	Queues    []template.Queue
	Queue     Queue
	Invoker   Invoker
	Region    string
	Log       *slog.Logger
}

// Poller carries out the mappings.
type Poller struct {
	config   Config
	mappings []mapping
}

type mapping struct {
	template.Mapping
	function string
	queueURL string
}

// New makes a poller. It fails on a mapping whose queue is not among the queues.
func New(config Config) (*Poller, error) {
	urls := map[string]string{}
	for _, q := range config.Queues {
		urls[q.ARN] = q.URL
	}
	p := &Poller{config: config}
	for _, f := range config.Functions {
		for _, m := range f.Mappings {
			url, ok := urls[m.QueueARN]
			if !ok {
				return nil, fmt.Errorf("function %s: there is no queue %s", f.Name, m.QueueARN)
			}
			if m.MaximumConcurrency == 0 {
				m.MaximumConcurrency = concurrency
			}
			p.mappings = append(p.mappings, mapping{m, f.Name, url})
		}
	}
	return p, nil
}

// Run takes messages until ctx ends. It returns when the batches under way are done and what they did is deleted from the queues.
func (p *Poller) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, m := range p.mappings {
		for range m.MaximumConcurrency {
			running.Go(func() { p.poll(ctx, m) })
		}
	}
	running.Wait()
}

func (p *Poller) poll(ctx context.Context, m mapping) {
	for ctx.Err() == nil {
		batch, err := p.collect(ctx, m)
		if err != nil && ctx.Err() == nil {
			p.config.Log.WarnContext(ctx, "a queue cannot be read", "function", m.function, "queue", m.queueURL, "error", err)
			sleep(ctx, pause)
		}
		if len(batch) == 0 {
			continue
		}
		// A batch that was received is worked on to its end, also when the system is stopping.
		ctx := context.WithoutCancel(ctx)
		if err := p.delete(ctx, m, p.process(ctx, m, batch, map[string]bool{})); err != nil {
			p.config.Log.WarnContext(ctx, "messages that are done will come again", "function", m.function, "error", err)
		}
	}
}

// collect waits for a batch: whatever one request gives, or where the mapping has a window what comes until that has passed. What was
// received before an error is given beside it.
func (p *Poller) collect(ctx context.Context, m mapping) ([]types.Message, error) {
	var batch []types.Message
	wait := longPoll
	var closes time.Time
	for {
		out, err := p.config.Queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl:                    aws.String(m.queueURL),
			MaxNumberOfMessages:         int32(min(10, m.BatchSize-len(batch))),
			WaitTimeSeconds:             int32(wait / time.Second),
			MessageAttributeNames:       []string{"All"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			return batch, err
		}
		batch = append(batch, out.Messages...)
		if len(batch) == 0 || len(batch) >= m.BatchSize || m.Window == 0 {
			return batch, nil
		}
		if closes.IsZero() {
			closes = time.Now().Add(m.Window)
		}
		if wait = min(longPoll, time.Until(closes).Round(time.Second)); wait <= 0 {
			return batch, nil
		}
	}
}

// process invokes the function and gives the messages that are done. Of a group that is blocked nothing is handed over: one of it
// failed in an earlier part of the batch. A batch whose event would be too large is parted.
func (p *Poller) process(ctx context.Context, m mapping, batch []types.Message, blocked map[string]bool) []types.Message {
	var open []types.Message
	for _, message := range batch {
		if !blocked[group(message)] {
			open = append(open, message)
		}
	}
	if len(open) == 0 {
		return nil
	}
	event, err := encode(open, m.QueueARN, p.config.Region)
	if err == nil && len(event) > lambdahost.MaxPayload && len(open) > 1 {
		half := len(open) / 2
		done := p.process(ctx, m, open[:half], blocked)
		return append(done, p.process(ctx, m, open[half:], blocked)...)
	}
	var result lambdahost.Result
	if err == nil {
		result, err = p.config.Invoker.Invoke(ctx, m.function, event)
	}
	if err != nil {
		p.config.Log.WarnContext(ctx, "messages could not be handed over", "function", m.function, "messages", len(open), "error", err)
		result.Failed = true
	}
	failed := failures(open, result, m.PartialFailures)
	var done []types.Message
	for _, message := range open {
		if !failed[aws.ToString(message.MessageId)] {
			done = append(done, message)
		} else if strings.HasSuffix(m.QueueARN, ".fifo") {
			blocked[group(message)] = true
		}
	}
	return done
}

// delete deletes messages from their queue, ten a request as SQS takes them.
func (p *Poller) delete(ctx context.Context, m mapping, done []types.Message) error {
	ctx, cancel := context.WithTimeout(ctx, deleteTime)
	defer cancel()
	for len(done) > 0 {
		n := min(10, len(done))
		entries := make([]types.DeleteMessageBatchRequestEntry, n)
		for i, message := range done[:n] {
			entries[i] = types.DeleteMessageBatchRequestEntry{Id: message.MessageId, ReceiptHandle: message.ReceiptHandle}
		}
		out, err := p.config.Queue.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(m.queueURL), Entries: entries})
		if err != nil {
			return err
		}
		if len(out.Failed) > 0 {
			return fmt.Errorf("%d messages were not deleted: %s", len(out.Failed), aws.ToString(out.Failed[0].Message))
		}
		done = done[n:]
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
