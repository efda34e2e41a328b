// Command oauth-disconnect answers POST /oauth/notion/disconnect.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.HTTP(wire.OAuthDisconnect()) }
