package api

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"strings"
)

// wantsPage reports whether a person's browser is asking: it names HTML, and JSON not at all or later.
func wantsPage(r *http.Request) bool {
	accept := strings.ToLower(r.Header.Get("Accept"))
	page, data := strings.Index(accept, "text/html"), strings.Index(accept, "application/json")
	return r.Method == http.MethodGet && page >= 0 && (data < 0 || page < data)
}

const pageStyle = `body{font-family:system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1.5rem;line-height:1.5;color:#1f2328}` +
	`h1{font-size:1.5rem}h1.good::before{content:"✓ ";color:#1a7f37}h1.bad::before{content:"✕ ";color:#cf222e}small{color:#656d76}`

// pageText is a page: its title, the style, whether it is good news, the title again, what to do, and the request.
const pageText = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title><style>%s</style></head>
<body><h1 class="%s">%s</h1>
<p>%s</p>
<p><small>%s</small></p></body></html>
`

// writePage says to a person in a browser what an answer says to an application. html/template would keep every method of everything in
// the binary.
func (a API) writePage(w http.ResponseWriter, r *http.Request, given reply) {
	title, class, message, foot := "Notion was not connected", "bad", "Something went wrong. Begin again.", ""
	switch said := given.body.(type) {
	case connected:
		title, class = "Notion is connected", "good"
		message = "The workspace “" + said.WorkspaceName + "” is connected, and syncs use this connection from now on. You may close this window."
	case problem:
		message, foot = said.Message, "Request "+said.RequestID
	default:
		a.Log.ErrorContext(r.Context(), "an answer has no page", "status", given.status)
	}
	title, message, foot = html.EscapeString(title), html.EscapeString(message), html.EscapeString(foot)
	header := w.Header()
	for name, values := range given.header {
		header[name] = values
	}
	secure(header)
	style := sha256.Sum256([]byte(pageStyle))
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-"+
		base64.StdEncoding.EncodeToString(style[:])+"'")
	header.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(given.status)
	_, _ = fmt.Fprintf(w, pageText, title, pageStyle, class, title, message, foot) // a person who went away cannot be told
}
