package app

import (
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/api/openapi"
	"github.com/act-platform/enhanced-integration/shared/telemetry/logging"
)

// OpenAPI answers GET /openapi.json.
func OpenAPI() http.Handler {
	return api.API{Now: time.Now, Log: logging.NewLogger(os.Stdout, slog.LevelInfo, "openapi")}.Document(openapi.JSON())
}
