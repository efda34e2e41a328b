package wire

import (
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/act-platform/enhanced-integration/shared/httpapi"
	"github.com/act-platform/enhanced-integration/shared/obs"
)

// NotFound answers every path that is none of the others.
func NotFound() http.Handler {
	return httpapi.API{Now: time.Now, Log: obs.NewLogger(os.Stdout, slog.LevelInfo, "not-found")}.NotFound()
}
