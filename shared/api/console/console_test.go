package console_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/api/console"
)

// TestPolicyAllowsWhatThePageHasAndNoMore: the policy names the digests of the style and the script as they stand in the page, and nothing
// in the page needs more.
func TestPolicyAllowsWhatThePageHasAndNoMore(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	console.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/enhanced-integration/dashboard", http.NoBody))
	body, policy := w.Body.String(), w.Header().Get("Content-Security-Policy")
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Fatal(w.Code, w.Header())
	}
	for _, element := range []string{"style", "script"} {
		found := regexp.MustCompile(`(?s)<`+element+`>(.*?)</`+element+`>`).FindAllStringSubmatch(body, -1)
		if len(found) != 1 || len(found[0][1]) < 1000 {
			t.Fatalf("%d of <%s>", len(found), element)
		}
		sum := sha256.Sum256([]byte(found[0][1]))
		if want := element + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(policy, want) {
			t.Errorf("the policy %q has no %s", policy, want)
		}
	}
	for _, want := range []string{"default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q has no %s", policy, want)
		}
	}
	for name, pattern := range map[string]string{
		"an address of another host":     `(?:src|href)="(?:https?:)?//|url\(|@import`,
		"an inline style":                `<[^>]+\sstyle=`,
		"an inline handler":              `<[^>]+\son[a-z]+=`,
		"storage, where a key would lie": `localStorage|sessionStorage|document\.cookie|indexedDB`,
		"HTML from data":                 `innerHTML|insertAdjacentHTML|document\.write|eval\(`,
		"what was not filled in":         `\{\{`,
	} {
		if found := regexp.MustCompile(pattern).FindString(body); found != "" {
			t.Errorf("the page has %s: %s", name, found)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %q", policy)
	}
}
