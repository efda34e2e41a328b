package wire

import (
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/act-platform/enhanced-integration/shared/httpapi"
	"github.com/act-platform/enhanced-integration/shared/obs"
	"github.com/act-platform/enhanced-integration/shared/page"
)

// Dashboard answers GET /dashboard.
func Dashboard() http.Handler {
	a := httpapi.API{Now: time.Now, Log: obs.NewLogger(os.Stdout, slog.LevelInfo, "dashboard")}
	return a.ReadOnly(page.Handler())
}
