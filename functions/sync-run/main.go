// Command sync-run answers GET /sync/runs/{id}.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.HTTP(wire.SyncRun()) }
