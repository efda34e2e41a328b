// Package trace says what belongs together: the ids under which W3C trace context carries a request through every hop, and, where
// somebody wants to see them, the spans of what was done on the way, which are sent by OTLP.
//
// https://www.w3.org/TR/trace-context/
package trace

import (
	"context"
	"encoding/hex"
	"io"
)

// ID names all that began with one request, or one tick of a schedule.
type ID [16]byte

// SpanID names one stretch of work in it.
type SpanID [8]byte

// String returns the id in hexadecimal digits.
func (t ID) String() string { return hex.EncodeToString(t[:]) }

// String returns the id in hexadecimal digits.
func (s SpanID) String() string { return hex.EncodeToString(s[:]) }

// Context is a place in a trace. The zero Context is none.
type Context struct {
	TraceID ID
	SpanID  SpanID
	Sampled bool // whoever began it records it
}

// Valid reports whether it is a place in a trace.
func (c Context) Valid() bool { return c.TraceID != ID{} && c.SpanID != SpanID{} }

// Header is the header, and the attribute of a message, that carries a Context.
const Header = "traceparent"

// String returns the value of the header; "" for none.
func (c Context) String() string {
	if !c.Valid() {
		return ""
	}
	flags := "-00"
	if c.Sampled {
		flags = "-01"
	}
	return "00-" + c.TraceID.String() + "-" + c.SpanID.String() + flags
}

// length is how long a header of version 00 is; later versions may be longer.
const length = len("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")

// Parse reads the header; false when it is not one, and then a new trace begins.
func Parse(header string) (Context, bool) {
	if len(header) < length || header[2] != '-' || header[35] != '-' || header[52] != '-' {
		return Context{}, false
	}
	var c Context
	var version, flags [1]byte
	for _, part := range []struct {
		into []byte
		text string
	}{{version[:], header[:2]}, {c.TraceID[:], header[3:35]}, {c.SpanID[:], header[36:52]}, {flags[:], header[53:55]}} {
		if !decode(part.into, part.text) {
			return Context{}, false
		}
	}
	known := version[0] == 0 && len(header) == length
	later := version[0] > 0 && version[0] < 0xff && (len(header) == length || header[length] == '-')
	c.Sampled = flags[0]&1 == 1
	return c, c.Valid() && (known || later)
}

// decode reads lower-case hexadecimal digits, which alone are allowed.
func decode(into []byte, text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	_, err := hex.Decode(into, []byte(text))
	return err == nil
}

// place is where a context stands, and who records it.
type place struct {
	Context
	parent   SpanID // of the place itself, where it began with an invocation; zero for none
	recorder *Recorder
}

type placeKey struct{}

func placeOf(ctx context.Context) (place, bool) {
	p, ok := ctx.Value(placeKey{}).(place)
	return p, ok
}

// Begin returns the context of an invocation: it goes on with the trace that header names, or begins one. random gives 24 bytes; an error
// of its leaves the context as it is.
func Begin(ctx context.Context, header string, random io.Reader) context.Context {
	var p place
	if parent, ok := Parse(header); ok {
		p.Context, p.parent = parent, parent.SpanID
	} else if _, err := io.ReadFull(random, p.TraceID[:]); err != nil {
		return ctx
	}
	if _, err := io.ReadFull(random, p.SpanID[:]); err != nil {
		return ctx
	}
	return context.WithValue(ctx, placeKey{}, p)
}

// From returns the place in a trace at which a context stands; the zero Context outside of one.
func From(ctx context.Context) Context {
	p, _ := placeOf(ctx)
	return p.Context
}

// Outside returns a context of which nothing is recorded: what is done to send spans makes none.
func Outside(ctx context.Context) context.Context {
	return context.WithValue(ctx, placeKey{}, place{})
}
