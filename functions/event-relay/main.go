// Command event-relay makes deliveries of the events in the outbox.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.Schedule(wire.EventRelay()) }
