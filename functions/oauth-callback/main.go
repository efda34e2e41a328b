// Command oauth-callback answers GET and POST /oauth/notion/callback.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.HTTP(app.OAuthCallback()) }
