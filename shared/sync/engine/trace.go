package engine

import (
	"errors"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// failureOf names how a stretch of a sync failed, for its span; "" when it did not. That its time ran out is no failure: it goes on in
// another invocation.
func failureOf(err error) string {
	if err == nil || errors.Is(err, errDeadline) {
		return ""
	}
	return fault.KindOf(err).String()
}
