package wire

import (
	"encoding/json"
	"math"
	"slices"
	"sort"
	"strconv"
	"time"
	"unicode/utf8"
)

// Buffer writes JSON by appending. It puts commas itself: a value that does not begin an object, an array or follow a key
// is separated from the one before it.
type Buffer struct {
	b []byte
}

// Bytes returns what was written.
func (b *Buffer) Bytes() []byte { return b.b }

// Open begins an object.
func (b *Buffer) Open() *Buffer { return b.begin('{') }

// Close ends an object.
func (b *Buffer) Close() { b.b = append(b.b, '}') }

// Array begins an array.
func (b *Buffer) Array() *Buffer { return b.begin('[') }

// EndArray ends an array.
func (b *Buffer) EndArray() { b.b = append(b.b, ']') }

// Grow makes room for so many bytes more.
func (b *Buffer) Grow(n int) { b.b = slices.Grow(b.b, n) }

// Key writes a member's name that needs no escaping, such as Notion's own.
func (b *Buffer) Key(k string) *Buffer {
	b.separate()
	b.b = append(b.b, '"')
	b.b = append(b.b, k...)
	b.b = append(b.b, '"', ':')
	return b
}

// Name writes a member's name that may be anything, such as a property's.
func (b *Buffer) Name(name string) *Buffer {
	b.String(name)
	b.b = append(b.b, ':')
	return b
}

// String writes a string.
func (b *Buffer) String(s string) {
	b.separate()
	if !plain(s) {
		b.b = appendEscaped(b.b, s)
		return
	}
	b.b = append(b.b, '"')
	b.b = append(b.b, s...)
	b.b = append(b.b, '"')
}

// StringOrNull writes a string, or null where it is empty.
func (b *Buffer) StringOrNull(s string) {
	if s == "" {
		b.Null()
		return
	}
	b.String(s)
}

// Int writes a whole number.
func (b *Buffer) Int(n int) {
	b.separate()
	b.b = strconv.AppendInt(b.b, int64(n), 10)
}

// Float writes a number as JavaScript would: whole numbers without a fraction, very large and very small ones with an exponent.
func (b *Buffer) Float(f float64) {
	b.separate()
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	b.b = strconv.AppendFloat(b.b, f, format, -1, 64)
}

// Bool writes true or false.
func (b *Buffer) Bool(v bool) {
	b.separate()
	b.b = strconv.AppendBool(b.b, v)
}

// Null writes null.
func (b *Buffer) Null() {
	b.separate()
	b.b = append(b.b, "null"...)
}

// Raw writes JSON that stands ready, or null where there is none.
func (b *Buffer) Raw(raw json.RawMessage) {
	if len(raw) == 0 {
		b.Null()
		return
	}
	b.separate()
	b.b = append(b.b, raw...)
}

// Minute writes an instant as pages carry it: in UTC, rounded down to the minute, with milliseconds.
func (b *Buffer) Minute(t time.Time) {
	b.separate()
	b.b = append(b.b, '"')
	b.b = t.UTC().Truncate(time.Minute).AppendFormat(b.b, "2006-01-02T15:04:05.000Z")
	b.b = append(b.b, '"')
}

func (b *Buffer) begin(c byte) *Buffer {
	b.separate()
	b.b = append(b.b, c)
	return b
}

func (b *Buffer) separate() {
	if len(b.b) == 0 {
		return
	}
	switch b.b[len(b.b)-1] {
	case '{', '[', ':':
	default:
		b.b = append(b.b, ',')
	}
}

// plain reports whether s stands in JSON as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func appendEscaped(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s { // an invalid byte ranges as U+FFFD
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\t':
			b = append(b, '\\', 't')
		case r == '\r':
			b = append(b, '\\', 'r')
		case r < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&0xf])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
