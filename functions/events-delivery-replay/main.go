// Command events-delivery-replay answers POST /events/subscriptions/{id}/deliveries/{delivery}/replay.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.HTTP(wire.EventsDeliveryReplay()) }
