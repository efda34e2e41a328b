// The function that the host's tests run: it does what its event says.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
)

// kept is memory that the function is asked to fill.
var kept [][]byte

func main() {
	switch os.Getenv("INIT") {
	case "exit":
		fmt.Println("leaving early")
		os.Exit(3)
	case "hang":
		select {}
	case "report":
		address := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/init/error"
		response, err := http.Post(address, "application/json", strings.NewReader(`{"errorType":"Mine","errorMessage":"no configuration"}`))
		if err == nil {
			response.Body.Close()
		}
		os.Exit(1)
	}
	lambda.Task(handle)
}

func handle(ctx context.Context, payload json.RawMessage) (any, error) {
	var event struct {
		Do, Text string
		Times    int
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	switch event.Do {
	case "echo":
		return event.Text, nil
	case "pid":
		return os.Getpid(), nil
	case "fail":
		return nil, errors.New(event.Text)
	case "panic":
		panic(event.Text)
	case "exit":
		os.Exit(2)
	case "hang":
		fmt.Println("hanging")
		select {}
	case "wait": // until the file named is gone
		fmt.Println("waiting")
		for {
			if _, err := os.Stat(event.Text); err != nil {
				return os.Getpid(), nil
			}
			time.Sleep(time.Millisecond)
		}
	case "big":
		return strings.Repeat("x", event.Times), nil
	case "fill": // so many MB of memory, and give them back
		for range event.Times {
			kept = append(kept, bytes.Repeat([]byte{1}, 1<<20))
		}
		kept = nil
		return "filled", nil
	case "print":
		fmt.Print(event.Text)
		fmt.Fprint(os.Stderr, event.Text)
		return nil, nil
	case "environment":
		return os.Environ(), nil
	case "invocation":
		invoked, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return map[string]any{
			"id": invocation.RequestID(ctx), "arn": invoked.InvokedFunctionArn, "trace": ctx.Value("x-amzn-trace-id"),
			"left": time.Until(deadline).Milliseconds(),
		}, nil
	}
	return nil, errors.New("what is " + event.Do)
}
