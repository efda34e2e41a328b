// Command sync-schedule starts the scheduled syncs.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.Schedule(app.SyncSchedule()) }
