// Command events-subscription-action answers POST /events/subscriptions/{id}/rotate-secret, pause, resume, test and replay.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.HTTP(wire.EventsSubscriptionAction()) }
