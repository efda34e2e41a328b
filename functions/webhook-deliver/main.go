// Command webhook-deliver sends what is due to a subscriber.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.Queue(wire.WebhookDeliver()) }
