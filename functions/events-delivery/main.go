// Command events-delivery answers GET /events/subscriptions/{id}/deliveries/{delivery}.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.HTTP(app.EventsDelivery()) }
