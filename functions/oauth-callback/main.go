// Command oauth-callback answers GET and POST /oauth/notion/callback.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.HTTP(wire.OAuthCallback()) }
