// Package console serves the dashboard's page: one document, with everything in it, that asks the API for what it shows.
package console

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the page
	"encoding/base64"
	"net/http"
	"strings"
)

var (
	//go:embed page.html
	document string
	//go:embed page.css
	style string
	//go:embed page.js
	script string
)

// Handler answers every request with the page, which holds no data and is public; what it shows it asks for with the key of whoever
// signs in. Its content security policy names the one style and the one script by their digests and lets it reach nobody but its own
// host.
func Handler() http.Handler {
	body := []byte(strings.NewReplacer("{{.Style}}", style, "{{.Script}}", script).Replace(document))
	policy := strings.Join([]string{
		"default-src 'none'", "script-src '" + digest(script) + "'", "style-src '" + digest(style) + "'", "img-src data:", "connect-src 'self'",
		"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
	}, "; ")
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Type", "text/html; charset=utf-8")
		_, _ = bytes.NewReader(body).WriteTo(w) // a caller who went away cannot be told
	})
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
