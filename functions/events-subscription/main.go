// Command events-subscription answers GET, PATCH and DELETE /events/subscriptions/{id}.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.HTTP(app.EventsSubscription()) }
