// Command authorizer says who is calling the API.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.Authorizer(wire.Authorizer()) }
