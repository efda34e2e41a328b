package lambdahost

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
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
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", strings.Join(packages, ", "), err, said)
	}
	return nil
}
