// Command event-retention forgets old events.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.Schedule(app.EventRetention()) }
