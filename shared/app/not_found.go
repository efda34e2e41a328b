package app

import (
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/telemetry/logging"
)

// NotFound answers every path that is none of the others.
func NotFound() http.Handler {
	return api.API{Now: time.Now, Log: logging.NewLogger(os.Stdout, slog.LevelInfo, "not-found")}.NotFound()
}
