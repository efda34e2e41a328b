// Command sync-run answers GET /sync/runs/{id}.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.HTTP(app.SyncRun()) }
