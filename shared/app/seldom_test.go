package app

import (
	"testing"

	"github.com/act-platform/enhanced-integration/shared/app/config"
	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
)

// TestWhatComesSeldomIsMeasured: what a function counts that closes its database at the end is stored before that.
func TestWhatComesSeldomIsMeasured(t *testing.T) {
	pool := pgtest.New(t)
	for name, value := range map[string]string{
		"STAGE": "test", "APP_SECRET_ARN": "app", "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_ENDPOINT_URL": vaultWith(t, map[string]string{config.DatabaseURL: pool.Config().ConnString()}),
	} {
		t.Setenv(name, value)
	}
	function := EventRetention()
	for n := range 2 { // each time with a database of its own
		if err := function(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		var calls int
		if err := pool.QueryRow(t.Context(), `select coalesce(sum(calls), 0) from integration.measurements where service = 'secrets'`).Scan(&calls); err != nil {
			t.Fatal(err)
		}
		if calls != n+1 {
			t.Errorf("%d invocations have asked for secrets %d times", n+1, calls)
		}
	}
}
