// Command event-relay makes deliveries of the events in the outbox.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.Schedule(app.EventRelay()) }
