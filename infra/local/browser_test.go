//go:build browser

package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// pictureVariable names a folder in which pictures of the pages are left.
const pictureVariable = "BROWSER_PICTURES"

// TestOAuthInABrowser goes the OAuth round as a person does: the consent page, the callback's page, a sync with that token; and then the
// ways in which it fails. It needs Chromium.
func TestOAuthInABrowser(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	r := startSystem(t, state)
	admin := caller{"X-API-Key", r.env["API_KEY"], nil}
	browser := startBrowser(t)

	begin := func() string {
		t.Helper()
		_, text := r.send(t, http.MethodGet, "/oauth/notion/url", "", admin)
		var start struct {
			URL string `json:"authorization_url"`
		}
		if err := json.Unmarshal([]byte(text), &start); err != nil {
			t.Fatal(err)
		}
		return start.URL
	}
	visit := func(picture string, step chromedp.Action[chromedp.Void]) (title, text, location string) {
		t.Helper()
		limited, cancel := context.WithTimeout(browser, 20*time.Second)
		defer cancel()
		if _, err := chromedp.RunResponse(limited, step); err != nil {
			t.Fatalf("%s: %v at %s", picture, err, see(browser, t, chromedp.Location()))
		}
		keepPicture(browser, t, picture)
		return see(browser, t, chromedp.Text("h1")), see(browser, t, chromedp.Text("body")), see(browser, t, chromedp.Location())
	}
	press := func(decision string) chromedp.Action[chromedp.Void] {
		return chromedp.Click(`button[value="` + decision + `"]`)
	}

	if title, _, _ := visit("consent", chromedp.Navigate(begin())); !strings.Contains(title, "wants to access") {
		t.Fatalf("the consent page says %q", title)
	}
	title, text, location := visit("connected", press("allow"))
	if !strings.Contains(title, "Notion is connected") || !strings.Contains(text, "ACT Placemat") || !strings.HasPrefix(location, r.env["API_URL"]) {
		t.Errorf("the callback's page at %s says %s", location, text)
	}
	colour := see(browser, t, chromedp.Evaluate[string](`getComputedStyle(document.querySelector("h1"), "::before").color`))
	if colour != "rgb(26, 127, 55)" {
		t.Errorf("the page's policy keeps its own style away: %q", colour)
	}
	if title, text, _ := visit("used", chromedp.Reload()); !strings.Contains(title, "not connected") || !strings.Contains(text, "it was used") {
		t.Errorf("the same page once more says %s", text)
	}
	visit("consent", chromedp.Navigate(begin()))
	if title, text, _ := visit("refused", press("deny")); !strings.Contains(title, "not connected") || !strings.Contains(text, "not allowed in Notion") {
		t.Errorf("after a refusal the page says %s", text)
	}
	if _, text := r.send(t, http.MethodGet, "/health", "", admin); !strings.Contains(text, `"auth_method":"oauth"`) {
		t.Errorf("%s", text)
	}
	r.syncWhole(t, admin)
	stats, err := testClient.Get(r.env["NOTION_URL"] + "/_sim/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer stats.Body.Close()
	var counted struct {
		Unauthorized int `json:"unauthorized"`
	}
	if err := json.NewDecoder(stats.Body).Decode(&counted); err != nil || counted.Unauthorized != 0 {
		t.Errorf("Notion refused %d requests, %v", counted.Unauthorized, err)
	}
	r.stop(t)
	removeDatabase(t, state)
}

// startBrowser starts Chromium, which lives as long as the test.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)...)
	t.Cleanup(cancel)
	browser, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(browser); err != nil { // which starts it
		t.Fatal(err)
	}
	return browser
}

// keepPicture leaves a picture of the page where somebody wants pictures.
func keepPicture(browser context.Context, t *testing.T, name string) {
	t.Helper()
	folder := os.Getenv(pictureVariable)
	if folder == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), see(browser, t, chromedp.FullScreenshot(100)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// see returns what a page shows.
func see[T any](browser context.Context, t *testing.T, look chromedp.Action[T]) T {
	t.Helper()
	seen, err := chromedp.Run(browser, look)
	if err != nil {
		t.Fatal(err)
	}
	return seen
}
