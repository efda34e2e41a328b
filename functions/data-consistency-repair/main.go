// Command data-consistency-repair answers POST /data-consistency/repair.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.HTTP(wire.DataConsistencyRepair()) }
