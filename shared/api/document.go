package api

import (
	"bytes"
	"net/http"
)

// documentType is the type of content of an OpenAPI document.
const documentType = "application/vnd.oai.openapi+json;version=3.1"

func documentRoute() Route {
	return Route{Path: "/openapi.json", Function: "openapi", Group: Overview, Public: true, Alone: "It describes the API.", Methods: []Method{{
		Verb: http.MethodGet, Lenient: true, Does: "This API as an OpenAPI 3.1 document.", Answers: []Answer{{http.StatusOK, nil}},
		Other: []string{"application/vnd.oai.openapi+json"},
	}}}
}

// Document answers GET /openapi.json.
func (a API) Document(document []byte) http.Handler {
	return a.readOnly(documentRoute(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		secure(w.Header())
		w.Header().Set("Content-Type", documentType)
		_, _ = bytes.NewReader(document).WriteTo(w) // a caller who went away cannot be told
	}))
}
