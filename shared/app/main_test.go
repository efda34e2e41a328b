package app

import (
	"os"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
