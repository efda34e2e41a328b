// Command monitor keeps watch, on a schedule.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.Schedule(wire.Monitor()) }
