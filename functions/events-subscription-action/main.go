// Command events-subscription-action answers POST /events/subscriptions/{id}/rotate-secret, pause, resume, test and replay.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.HTTP(app.EventsSubscriptionAction()) }
