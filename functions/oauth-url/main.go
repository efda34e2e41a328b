// Command oauth-url answers GET /oauth/notion/url.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.HTTP(wire.OAuthURL()) }
