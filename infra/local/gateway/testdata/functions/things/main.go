// The function behind the test template's routes.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/act-platform/enhanced-integration/shared/aws/lambda"
	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
)

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "a=1; Expires=Tue, 24 Nov 2026 09:00:00 GMT")
		w.Header().Add("Set-Cookie", "b=2")
		fmt.Fprintf(w, "%s %s", os.Getenv("GREETING"), r.PathValue("name"))
	})
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, invocation.Authorization(r.Context())["client"], " ", invocation.SourceIP(r.Context()), " ", invocation.RequestID(r.Context()))
	})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		w.Header().Set("X-Signature", r.Header.Get("X-Signature"))
		io.Copy(w, r.Body)
	})
	mux.HandleFunc("POST /fail/{how}", func(_ http.ResponseWriter, r *http.Request) {
		switch r.PathValue("how") {
		case "panic":
			panic("burst")
		case "exit":
			os.Exit(1)
		case "hang":
			select {}
		}
	})
	lambda.HTTP(mux)
}
