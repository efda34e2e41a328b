// Command consistency-worker checks base and rows against Notion, from a message on its queue.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.Queue(app.ConsistencyWorker()) }
