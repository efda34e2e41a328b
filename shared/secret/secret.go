// Package secret gives secrets a type of their own, so that one that ends up in a log line, an error, an answer or a dump shows nothing.
package secret

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Shown is what a secret shows.
const Shown = "[redacted]"

// Text is a secret. Whatever prints, logs or marshals it shows the same for every secret, and for none; only Reveal gives it, which is called
// where it is presented to whom it is for, and nowhere else. The zero Text is no secret.
//
// It holds a pointer, because fmt looks through the fields that a struct does not export without asking their methods. Two of
// them cannot be compared with ==, which would compare the pointers; use Equal.
type Text struct {
	_    [0]func()
	kept *string
}

// Of makes a Text; the one of "" is the zero Text.
func Of(text string) Text {
	if text == "" {
		return Text{}
	}
	return Text{kept: &text}
}

// Reveal returns the secret; "" for none.
func (t Text) Reveal() string {
	if t.kept == nil {
		return ""
	}
	return *t.kept
}

// Empty reports whether it is no secret.
func (t Text) Empty() bool { return t.kept == nil }

// Equal compares two secrets, in a time that depends on their lengths only.
func (t Text) Equal(other Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(other.Reveal())) == 1
}

// String returns Shown.
func (t Text) String() string { return Shown }

// GoString returns Shown.
func (t Text) GoString() string { return Shown }

// Format writes Shown, whatever the verb.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Shown) }

// LogValue returns Shown.
func (t Text) LogValue() slog.Value { return slog.StringValue(Shown) }

// MarshalText returns Shown.
func (t Text) MarshalText() ([]byte, error) { return []byte(Shown), nil }

// MarshalJSON returns Shown.
func (t Text) MarshalJSON() ([]byte, error) { return []byte(`"` + Shown + `"`), nil }

// UnmarshalJSON takes a secret from a JSON string. Its error does not repeat what it could not read.
func (t *Text) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return errNoText
	}
	*t = Of(text)
	return nil
}

var errNoText = errors.New("a secret is a text")
