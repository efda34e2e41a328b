package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// answerTime is how long CloudFormation may take to accept an answer.
const answerTime = 20 * time.Second

// Resource starts a step of a deployment: do runs when CloudFormation makes or changes the custom resource that stands for it, and
// when somebody invokes the function. It does not return.
func Resource(do func(context.Context) (map[string]any, error)) {
	Task(Step(&http.Client{Timeout: answerTime}, do))
}

// Step returns the handler that [Resource] starts. What do gives are the resource's attributes, and the result of an invocation by hand.
//
// CloudFormation is always answered, or it would wait for an hour: an error fails the deployment, which is then taken back. There is
// nothing to do when the resource is deleted. And what does not exist yet (fault.NotFound) fails no deployment, since the first one
// makes the secret that a person then fills in; by hand it is an error.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref.html
func Step(client *http.Client, do func(context.Context) (map[string]any, error)) func(context.Context, json.RawMessage) (any, error) {
	return func(ctx context.Context, payload json.RawMessage) (any, error) {
		var event cfn.Event
		if err := json.Unmarshal(payload, &event); err != nil || event.ResponseURL == "" {
			return do(ctx)
		}
		answer := cfn.NewResponse(&event)
		answer.Status, answer.PhysicalResourceID = cfn.StatusSuccess, event.LogicalResourceID
		if event.RequestType != cfn.RequestDelete {
			answer.Data, answer.Status, answer.Reason = attempt(ctx, do)
		}
		return nil, send(ctx, client, event.ResponseURL, answer)
	}
}

// attempt leaves time to say that time ran out.
func attempt(ctx context.Context, do func(context.Context) (map[string]any, error)) (data map[string]any, status cfn.StatusType, reason string) {
	limited := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		limited, cancel = context.WithDeadline(ctx, deadline.Add(-answerTime))
		defer cancel()
	}
	err := guard(limited, func() (err error) {
		data, err = do(limited)
		return err
	})
	switch {
	case err == nil:
		return data, cfn.StatusSuccess, ""
	case fault.KindOf(err) == fault.NotFound:
		slog.WarnContext(ctx, "nothing to do yet", "error", err)
		return data, cfn.StatusSuccess, fault.Message(err)
	default:
		slog.ErrorContext(ctx, "the deployment's step failed", "error", err)
		return nil, cfn.StatusFailed, fault.Message(err) + " The function's log says more."
	}
}

func send(ctx context.Context, client *http.Client, url string, answer *cfn.Response) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(body))
	if err != nil {
		return fault.New(fault.Invalid, "ResponseURL is no address.") // which is signed, and so a secret
	}
	response, err := client.Do(request)
	if err != nil {
		return fault.New(fault.Unavailable, "CloudFormation could not be answered.")
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<16)) // so that the connection can be used again
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("CloudFormation's address answered %s", response.Status)
	}
	return nil
}
