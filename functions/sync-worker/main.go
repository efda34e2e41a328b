// Command sync-worker brings one database into step, from a message on the sync queue.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.Queue(wire.SyncWorker()) }
