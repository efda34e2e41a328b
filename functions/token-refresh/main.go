// Command token-refresh keeps the tokens of workspaces that are connected by OAuth good.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.Schedule(wire.TokenRefresh()) }
