package journal

import "errors"

// ErrAway says that the database, and not what was asked of it, is the reason of an error: it cannot be reached, or is starting or stopping.
var ErrAway = errors.New("the database is away")
