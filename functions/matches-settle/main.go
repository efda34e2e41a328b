// Command matches-settle answers POST /sync/matches/{page_id}.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/app"
	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
)

func main() { lambda.HTTP(app.MatchesSettle()) }
