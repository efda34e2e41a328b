// Command events-delivery answers GET /events/subscriptions/{id}/deliveries/{delivery}.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.HTTP(wire.EventsDelivery()) }
