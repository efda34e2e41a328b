// Command conflict-settle shows a conflict and takes what a person decides.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.HTTP(app.ConflictSettle()) }
