// Command token-refresh keeps the tokens of workspaces that are connected by OAuth good.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.Schedule(app.TokenRefresh()) }
