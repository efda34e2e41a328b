// Command data-consistency-repair answers POST /data-consistency/repair.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.HTTP(app.DataConsistencyRepair()) }
