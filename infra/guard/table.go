package guard

import (
	"fmt"
	"strings"
)

// Table returns docs/PERMISSIONS.md: a row for each function and thing that it may act on.
func (t Template) Table() (string, error) {
	var b strings.Builder
	b.WriteString(`# Which function may do what

Made from template.yaml by ` + "`make permissions`" + `; a test holds it fresh. What SAM adds to the roles, it allows for the whole account (logs, queues that a
function reads, X-Ray); the permissions boundary ` + "`FunctionBoundary`" + ` takes that back to this stage's own. The column "for" says what gives a permission
that the function's policies do not.

| function | actions | resource | for |
|---|---|---|---|
`)
	for _, id := range t.of(function) {
		granted, err := t.Permissions(id)
		if err != nil {
			return "", fmt.Errorf("%s: %w", id, err)
		}
		for _, g := range granted {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", id, strings.Join(g.Actions, ", "), strings.ReplaceAll(g.Resource, "|", `\|`), g.Reason)
		}
	}
	return b.String(), nil
}
