package guard

import (
	"fmt"
	"strings"
)

// Table returns docs/PERMISSIONS.md: a row for each function and thing that it may act on.
func (t Template) Table() (string, error) {
	var b strings.Builder
	b.WriteString(`# Which function may do what

Made from template.yaml by ` + "`make permissions`" + `. A test compares it with the template. The permissions that SAM adds
to the roles (logs, queues that a function reads, X-Ray) cover the whole account. The permissions boundary
` + "`FunctionBoundary`" + ` limits them to what belongs to this stage. The column "for" says where a permission comes from that is
not in the function's policies.

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
