// Command monitor keeps watch, on a schedule.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.Schedule(app.Monitor()) }
