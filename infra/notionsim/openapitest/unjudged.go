//go:build !conformance

package openapitest

import (
	"net/http"
	"testing"
)

// Judge returns next as it is: only a test that was compiled with the tag conformance judges.
func Judge(tb testing.TB, next http.Handler, _ ...Option) http.Handler {
	tb.Helper()
	return next
}
