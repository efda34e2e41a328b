// Command events-delivery-replay answers POST /events/subscriptions/{id}/deliveries/{delivery}/replay.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.HTTP(app.EventsDeliveryReplay()) }
