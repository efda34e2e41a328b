package sqs

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

const (
	// hidden is how long after its worker's death a message comes again, and hideEvery how often a worker says that it lives. The queue's own
	// visibility timeout is many times as long, and holds for a message that no function has begun with.
	hidden, hideEvery = 45 * time.Second, 15 * time.Second
	// soonest is how long after its first failure a message comes again, latest how long at the most where what it asks for is stored, and
	// patience where it is not: then four tries have to outlast what is away.
	soonest, latest, patience = 5 * time.Second, 15 * time.Second, 15 * time.Minute
	// lastReceive is the last time that a message is handed back: the queues make the next but one a dead letter.
	lastReceive = 4
	// hideLimit is how long it may take to say when a message comes again.
	hideLimit = 3 * time.Second
)

// Hider is the part of the SQS client that says when a message comes again.
type Hider interface {
	ChangeMessageVisibility(ctx context.Context, in *awssqs.ChangeMessageVisibilityInput, opts ...func(*awssqs.Options)) (*awssqs.ChangeMessageVisibilityOutput, error)
}

// Flight has messages of a queue that are being worked on come again soon: within a minute when their worker dies, within seconds when it fails.
type Flight struct {
	Client Hider
	URL    string
	// Stored: what a message asks for is stored as well, and the schedule finds it. Then a message whose work fails for something that is
	// away, again and again, is done with before it is a dead letter.
	Stored bool
	Log    *slog.Logger
}

// Work works on a message that was received so many times. The error is the work's: the message comes again, in a moment.
func (f Flight) Work(ctx context.Context, receipt string, receives int, work func() error) error {
	if receipt == "" {
		return work()
	}
	stop := f.hide(ctx, receipt)
	err := work()
	stop()
	switch {
	case err == nil:
		return nil
	case f.Stored && receives >= lastReceive && passing(err):
		f.Log.WarnContext(ctx, "the message is done with; the schedule hands its work over again", "receives", receives, "error", err)
		return nil
	}
	f.change(context.WithoutCancel(ctx), receipt, f.again(max(receives, 1)))
	return err
}

// passing reports whether an error is of something that is away, or taken, and not of the message.
func passing(err error) bool {
	kind := fault.KindOf(err)
	return kind == fault.Unavailable || kind == fault.Conflict || kind == fault.RateLimited
}

// again is how long after a failure a message comes again that was received so many times.
func (f Flight) again(receives int) time.Duration {
	if f.Stored {
		return min(soonest*time.Duration(receives), latest)
	}
	wait := soonest
	for range min(receives-1, lastReceive) {
		wait *= 6
	}
	return min(wait, patience)
}

// hide keeps a message hidden until stop is called.
func (f Flight) hide(ctx context.Context, receipt string) (stop func()) {
	f.change(ctx, receipt, hidden)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(hideEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				f.change(ctx, receipt, hidden)
			}
		}
	}()
	return func() { cancel(); <-done }
}

// change says when a message comes again. Where it cannot be said, the message comes again when it was last said, or when the queue says.
func (f Flight) change(ctx context.Context, receipt string, after time.Duration) {
	limited, cancel := context.WithTimeout(ctx, hideLimit)
	defer cancel()
	_, err := f.Client.ChangeMessageVisibility(limited, &awssqs.ChangeMessageVisibilityInput{
		QueueUrl: aws.String(f.URL), ReceiptHandle: aws.String(receipt), VisibilityTimeout: int32(math.Ceil(after.Seconds())),
	})
	if err != nil && ctx.Err() == nil {
		f.Log.WarnContext(ctx, "it could not be said when the message comes again; it may take until the queue's visibility timeout", "error", err)
	}
}
