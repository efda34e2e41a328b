//go:build conformance

package conformance_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/openapitest"
)

// Notion's own client drives the simulator, and Notion's own OpenAPI document judges every answer that it gets.
func TestConformanceWithTheOfficialClient(t *testing.T) {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil && os.Getenv("CI") != "true" {
			t.Skipf("%s is not here, so the official client was not run", tool)
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat("node_modules/@notionhq/client"); err != nil {
		run(t, nil, "npm", "ci", "--no-audit", "--no-fund")
	}
	sim, err := notionsim.New(notionsim.Config{Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	server := httptest.NewServer(openapitest.Judge(t, sim))
	defer server.Close()
	app := notionsim.OAuthClient()
	run(t, []string{
		"NOTION_URL=" + server.URL, "NOTION_TOKEN=" + notionsim.IntegrationToken, "NOTION_PERSON_TOKEN=" + notionsim.PersonToken,
		"PARTNERS_DATABASE_ID=" + sim.Databases()["partners"],
		"OAUTH_CLIENT_ID=" + app.ID, "OAUTH_CLIENT_SECRET=" + app.Secret, "OAUTH_REDIRECT_URI=" + app.RedirectURIs[0],
	}, "node", "check.mjs")
}

func run(t *testing.T, env []string, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	t.Logf("%s\n%s", cmd, out)
	if err != nil {
		t.Fatal(err)
	}
}
