// Command consistency-worker checks base and rows against Notion, from a message on its queue.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.Queue(wire.ConsistencyWorker()) }
