// Command matches-settle answers POST /sync/matches/{page_id}.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.HTTP(wire.MatchesSettle()) }
