package cloud_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
)

// BenchmarkMessages counts messages that are sent, received and deleted a second, through the SDK over loopback, by one
// client at a time and with the state in a file.
func BenchmarkMessages(b *testing.B) {
	for _, size := range []int{1, 10} {
		b.Run(fmt.Sprint("by ", size), func(b *testing.B) {
			c, err := cloud.Open(cloud.Config{Path: filepath.Join(b.TempDir(), "cloud.db")})
			if err != nil {
				b.Fatal(err)
			}
			s, stop := serveHTTP(c)
			defer func() {
				stop()
				c.Close()
			}()
			made, err := s.sqs.CreateQueue(b.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
			if err != nil {
				b.Fatal(err)
			}
			start := time.Now()
			for range b.N {
				s.roundTrip(b, made.QueueUrl, size)
			}
			b.ReportMetric(float64(b.N*size)/time.Since(start).Seconds(), "messages/s")
		})
	}
}

func (s *system) roundTrip(b *testing.B, url *string, size int) {
	b.Helper()
	if size == 1 {
		if _, err := s.sqs.SendMessage(b.Context(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("m")}); err != nil {
			b.Fatal(err)
		}
	} else {
		var entries []types.SendMessageBatchRequestEntry
		for i := range size {
			entries = append(entries, types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String("m")})
		}
		if _, err := s.sqs.SendMessageBatch(b.Context(), &sqs.SendMessageBatchInput{QueueUrl: url, Entries: entries}); err != nil {
			b.Fatal(err)
		}
	}
	out, err := s.sqs.ReceiveMessage(b.Context(), &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: int32(size)})
	if err != nil || len(out.Messages) != size {
		b.Fatal(len(out.Messages), err)
	}
	if size == 1 {
		if _, err := s.sqs.DeleteMessage(b.Context(), &sqs.DeleteMessageInput{
			QueueUrl: url, ReceiptHandle: out.Messages[0].ReceiptHandle,
		}); err != nil {
			b.Fatal(err)
		}
		return
	}
	var entries []types.DeleteMessageBatchRequestEntry
	for _, m := range out.Messages {
		entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle})
	}
	if _, err := s.sqs.DeleteMessageBatch(b.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: entries}); err != nil {
		b.Fatal(err)
	}
}
