// Command events-deliveries answers GET /events/subscriptions/{id}/deliveries.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.HTTP(app.EventsDeliveries()) }
