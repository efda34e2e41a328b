// Command held-list answers GET /sync/held.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.HTTP(app.HeldList()) }
