// Command oauth-disconnect answers POST /oauth/notion/disconnect.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.HTTP(app.OAuthDisconnect()) }
