package app

import (
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/api/console"
	"github.com/act-platform/enhanced-integration/shared/telemetry/logging"
)

// Dashboard answers GET /dashboard.
func Dashboard() http.Handler {
	a := api.API{Now: time.Now, Log: logging.NewLogger(os.Stdout, slog.LevelInfo, "dashboard")}
	return a.Page(console.Handler())
}
