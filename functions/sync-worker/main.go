// Command sync-worker brings one database into step, from a message on the sync queue.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.Queue(app.SyncWorker()) }
