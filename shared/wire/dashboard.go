package wire

import (
	"net/http"

	"github.com/act-platform/enhanced-integration/shared/page"
)

// Dashboard answers GET /dashboard.
func Dashboard() http.Handler { return page.Handler() }
