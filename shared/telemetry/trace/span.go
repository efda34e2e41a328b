package trace

import "time"

// Kind says on which side of a call a span is. The numbers are OTLP's.
type Kind int

// The kinds.
const (
	Internal Kind = 1
	Server   Kind = 2
	Client   Kind = 3
	Consumer Kind = 5
)

// Attribute is something known of a span: a text or a number, never a secret.
type Attribute struct {
	Key    string
	Text   string
	Number int64
	number bool
}

// Text makes an attribute.
func Text(key, value string) Attribute { return Attribute{Key: key, Text: value} }

// Number makes an attribute.
func Number(key string, value int64) Attribute {
	return Attribute{Key: key, Number: value, number: true}
}

// Span is a stretch of work. A nil Span is one that is not recorded.
type Span struct {
	Context
	Parent     SpanID // zero: the trace began with it
	Name       string
	Kind       Kind
	Began      time.Time
	Ended      time.Time
	Failure    string // what kind of failure it ended with, never its text; "" for none
	Attributes []Attribute

	recorder *Recorder
}

// Set adds what is known of it. A span belongs to the goroutine that began it.
func (s *Span) Set(attributes ...Attribute) {
	if s != nil {
		s.Attributes = append(s.Attributes, attributes...)
	}
}

// End ends it, now. failure names how it failed, "" for a success.
func (s *Span) End(failure string) {
	if s != nil {
		s.end(s.recorder.Now(), failure)
	}
}

func (s *Span) end(at time.Time, failure string) {
	s.Ended, s.Failure = at, failure
	s.recorder.keep(*s)
}
