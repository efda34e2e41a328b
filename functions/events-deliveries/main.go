// Command events-deliveries answers GET /events/subscriptions/{id}/deliveries.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.HTTP(wire.EventsDeliveries()) }
