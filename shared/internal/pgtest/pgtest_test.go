package pgtest_test

import (
	"os"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// TestEachTestHasItsOwn: what one test writes no other sees, and the schema is there.
func TestEachTestHasItsOwn(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"one", "another"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.New(t)
			if _, err := pool.Exec(t.Context(), "CREATE TABLE mine (x int)"); err != nil {
				t.Error(err)
			}
			var applied int
			if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM integration.goose_db_version").Scan(&applied); err != nil || applied < 2 {
				t.Errorf("%d migrations, %v", applied, err)
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		pgtest.New(b)
	}
}
