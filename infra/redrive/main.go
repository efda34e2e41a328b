// Command redrive has what ended in the dead letters tried again: messages of every dead-letter queue of a stage go back to their queues,
// and deliveries that died in the last week are sent again. It reads AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
// AWS_SESSION_TOKEN, AWS_ENDPOINT_URL and STAGE (dev), and API_URL and API_KEY, a key with the scope events; `source .local/env` sets them
// for the local system.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const week = 7 * 24 * time.Hour

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	err := errors.Join(redriveQueues(ctx, os.Getenv, os.Stdout), replayDead(ctx, os.Getenv, time.Now(), os.Stdout))
	cancel()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "redrive:", err)
		os.Exit(1)
	}
}

// redriveQueues has every message of the stage's dead-letter queues go back to where it died.
func redriveQueues(ctx context.Context, getenv func(string) string, out io.Writer) error {
	if getenv("AWS_REGION") == "" {
		return errors.New("set AWS_REGION and credentials, or source .local/env")
	}
	options := sqs.Options{
		Region:      getenv("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN")),
	}
	if endpoint := getenv("AWS_ENDPOINT_URL"); endpoint != "" {
		options.BaseEndpoint = aws.String(endpoint)
	}
	stage := getenv("STAGE")
	if stage == "" {
		stage = "dev"
	}
	client := sqs.New(options)
	list, err := client.ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: aws.String("act-" + stage + "-")})
	if err != nil {
		return fmt.Errorf("list the queues: %w", err)
	}
	var failed []error
	for _, url := range list.QueueUrls {
		name := url[strings.LastIndexByte(url, '/')+1:]
		if !strings.HasSuffix(strings.TrimSuffix(name, ".fifo"), "-dead") {
			continue
		}
		failed = append(failed, redrive(ctx, client, url, name, out))
	}
	return errors.Join(failed...)
}

func redrive(ctx context.Context, client *sqs.Client, url, name string, out io.Writer) error {
	names := []types.QueueAttributeName{types.QueueAttributeNameQueueArn, types.QueueAttributeNameApproximateNumberOfMessages}
	got, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: aws.String(url), AttributeNames: names})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	n := got.Attributes[string(types.QueueAttributeNameApproximateNumberOfMessages)]
	if n != "0" {
		arn := got.Attributes[string(types.QueueAttributeNameQueueArn)]
		if _, err := client.StartMessageMoveTask(ctx, &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(arn)}); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	_, err = fmt.Fprintf(out, "%-28s %s messages\n", name, n)
	return err
}

// replayDead has every active subscription's deliveries that died in the last week sent again.
func replayDead(ctx context.Context, getenv func(string) string, now time.Time, out io.Writer) error {
	if getenv("API_URL") == "" || getenv("API_KEY") == "" {
		return errors.New("set API_URL and API_KEY to have dead deliveries sent again")
	}
	api := caller{getenv("API_URL") + "/api/enhanced-integration/events/subscriptions", getenv("API_KEY")}
	var list struct {
		Subscriptions []struct {
			ID     string `json:"subscription_id"`
			Status string `json:"status"`
		} `json:"subscriptions"`
	}
	if err := api.call(ctx, http.MethodGet, "", nil, &list); err != nil {
		return err
	}
	for _, s := range list.Subscriptions {
		if s.Status != "active" {
			continue
		}
		var done struct {
			Replayed int `json:"replayed"`
		}
		if err := api.call(ctx, http.MethodPost, "/"+s.ID+"/replay", map[string]time.Time{"since": now.Add(-week)}, &done); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%s %d deliveries\n", s.ID, done.Replayed); err != nil {
			return err
		}
	}
	return nil
}

type caller struct{ address, key string }

func (c caller) call(ctx context.Context, method, path string, body, answer any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, c.address+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	r.Header.Set("X-API-Key", c.key)
	client := http.Client{}
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode > 299 {
		return fmt.Errorf("%s %s: %s", method, path, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}
