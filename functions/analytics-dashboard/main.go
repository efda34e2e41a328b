// Command analytics-dashboard answers GET /analytics/dashboard.
package main

import (
	"github.com/act-platform/enhanced-integration/shared/lambdaio"
	"github.com/act-platform/enhanced-integration/shared/wire"
)

func main() { lambdaio.HTTP(wire.AnalyticsDashboard()) }
