// Package fault is the one vocabulary of errors: what kind of thing went wrong, a sentence that may be shown to whoever
// asked, and the cause, which is logged and never shown.
package fault

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what a caller can do about an error.
type Kind int

// The kinds. Internal is the zero value, so that an error nobody classified is never taken for a harmless one.
const (
	Internal     Kind = iota // a defect or a surprise of our own: look at the logs
	Invalid                  // the request, or the record, cannot be accepted as it is
	NotFound                 // it does not exist, or is not shared with us
	Conflict                 // it is being changed by somebody else, or has been
	Unauthorized             // who is asking is not known
	Forbidden                // who is asking is known and may not
	TooLarge                 // more than is accepted in one go
	RateLimited              // later; see Error.RetryAfter
	Unavailable              // something that we depend on is away; later
	Full                     // there is no room for it, until somebody makes some
)

// String names a kind, for logs and for rows.
func (k Kind) String() string {
	switch k {
	case Invalid:
		return "invalid"
	case NotFound:
		return "not_found"
	case Conflict:
		return "conflict"
	case Unauthorized:
		return "unauthorized"
	case Forbidden:
		return "forbidden"
	case TooLarge:
		return "too_large"
	case RateLimited:
		return "rate_limited"
	case Unavailable:
		return "unavailable"
	case Full:
		return "full"
	case Internal:
		return "internal"
	}
	return "internal"
}

// Error is an error with a kind.
type Error struct {
	Kind       Kind
	Message    string        // one sentence that says what to do; safe to show
	RetryAfter time.Duration // how long to wait, when that is known
	Err        error         // the cause; logged, never shown
}

// Error returns the message and the cause: for logs.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error without a cause.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an error with a cause. A nil cause stays nil.
func Wrap(err error, kind Kind, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...), Err: err}
}

// OneOf names the values that something may have, as a person would.
func OneOf[S ~string](values []S) string {
	var text strings.Builder
	for i, v := range values {
		switch {
		case i > 0 && i == len(values)-1:
			text.WriteString(" or ")
		case i > 0:
			text.WriteString(", ")
		}
		text.WriteString(string(v))
	}
	return text.String()
}

// KindOf returns the kind of the outermost classified error in the chain; Internal when there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Message returns the sentence that may be shown for err: its own when it is classified, a plain one when it is not.
func Message(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Kind != Internal {
		return e.Message
	}
	return "Something went wrong on our side. Try again; if it stays, look at the logs for this request_id."
}

// RetryAfter returns the wait that err asks for, or zero.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// ErrNotAsked is in the chain of an error that kept a service from being asked: the error says nothing of that service.
var ErrNotAsked = errors.New("not asked")

// NotAsked says that an error kept a service from being asked. nil stays nil.
func NotAsked(err error) error {
	if err == nil || errors.Is(err, ErrNotAsked) {
		return err
	}
	return notAskedError{err}
}

type notAskedError struct{ error }

func (e notAskedError) Unwrap() error      { return e.error }
func (notAskedError) Is(target error) bool { return target == ErrNotAsked }

// Retryable reports whether the same call may succeed later without anybody changing anything.
func Retryable(err error) bool {
	switch KindOf(err) {
	case RateLimited, Unavailable, Conflict, Internal:
		return true
	case Invalid, NotFound, Unauthorized, Forbidden, TooLarge, Full:
		return false
	}
	return true
}
