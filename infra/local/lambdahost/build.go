package lambdahost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// Build builds functions for this machine as they are built for the cloud, but for the paths in them: all at once, which looks at what they share
// once. `make test` compiles with the same flags, so that tests and functions share what is compiled. dir is where the packages are named from; out
// is the file of one function, or a folder, with a separator at its end, of a file for each. Its error holds what the compiler said.
func Build(ctx context.Context, dir, out string, packages ...string) error {
	arguments := append([]string{
		"build", "-buildvcs=false", "-tags", "lambda.norpc,nethttpomithttp2", "-gcflags=all=-l", "-ldflags", "-s -w", "-o", out,
	}, packages...)
	cmd := exec.CommandContext(ctx, "go", arguments...) //nolint:gosec // names of the caller's own
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	said, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("Go is not on the PATH, and the functions are built with it. Install Go 1.26 or newer: https://go.dev/dl") //nolint:staticcheck // a name
	}
	if err != nil {
		return fmt.Errorf("the functions cannot be built (%w). Go says:\n%s", err, said)
	}
	return nil
}
