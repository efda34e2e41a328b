// Command webhook-deliver sends what is due to a subscriber.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.Queue(app.WebhookDeliver()) }
