// Command events-subscription answers GET, PATCH and DELETE /events/subscriptions/{id}.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.HTTP(wire.EventsSubscription()) }
