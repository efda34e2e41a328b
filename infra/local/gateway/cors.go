package gateway

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/local/template"
)

// handleCORS sets the headers that let a browser of an allowed origin read the answer. It answers a preflight request itself and
// reports whether it did.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
func handleCORS(w http.ResponseWriter, r *http.Request, cors template.CORS) (answered bool) {
	origin, wanted := r.Header.Get("Origin"), r.Header.Get("Access-Control-Request-Method")
	preflight := r.Method == http.MethodOptions && origin != "" && wanted != ""
	if allowed := allowedOrigin(origin, cors); allowed != "" {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", allowed)
		if allowed != "*" {
			h.Set("Vary", "Origin")
		}
		if cors.AllowCredentials {
			h.Set("Access-Control-Allow-Credentials", "true")
		}
		setList(h, "Access-Control-Expose-Headers", cors.ExposeHeaders)
		if preflight {
			setList(h, "Access-Control-Allow-Headers", cors.AllowHeaders)
			setList(h, "Access-Control-Allow-Methods", cors.AllowMethods)
			if cors.MaxAge > 0 {
				h.Set("Access-Control-Max-Age", strconv.Itoa(int(cors.MaxAge.Seconds())))
			}
		}
	}
	if preflight {
		w.WriteHeader(http.StatusNoContent)
	}
	return preflight
}

func allowedOrigin(origin string, cors template.CORS) string {
	switch {
	case origin == "":
		return ""
	case slices.Contains(cors.AllowOrigins, origin):
		return origin
	case slices.Contains(cors.AllowOrigins, "*"):
		return "*"
	}
	return ""
}

func setList(header http.Header, name string, values []string) {
	if len(values) > 0 {
		header.Set(name, strings.Join(values, ","))
	}
}
