package trace

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// most is how many spans are kept between two flushes; what would be more is not recorded.
	most = 1000
	// limit is how long sending may take at the end of an invocation, which waits for it.
	limit = time.Second
	// spare is how long before the function's own limit sending has to be over.
	spare = 200 * time.Millisecond
	// pause is how long nothing is recorded after spans could not be sent: nobody is to wait again and again for a collector that is away.
	pause = 30 * time.Second
)

// Exporter sends spans. It keeps none of them.
type Exporter interface {
	Export(ctx context.Context, spans []Span) error
}

// Config is what a Recorder works with.
type Config struct {
	Export  Exporter
	Sampler Sampler
	Now     func() time.Time
	Random  io.Reader
	Log     *slog.Logger
}

// Recorder keeps the spans of a function until the end of its invocation. It is safe for concurrent use. A nil Recorder records nothing.
type Recorder struct {
	Config

	mu     sync.Mutex
	ended  []Span
	places int // of spans that are under way or ended
	lost   int
	paused time.Time // until when nothing is recorded
}

// New makes a Recorder.
func New(c Config) *Recorder { return &Recorder{Config: c} }

// Invocation begins the span of the invocation that a context was made for by Begin, if it is sampled. What it gives is nil where it
// is not, and every method of that does nothing.
func (r *Recorder) Invocation(ctx context.Context, name string, kind Kind) (context.Context, *Span) {
	p, ok := placeOf(ctx)
	if r == nil || !ok || !p.Valid() {
		return ctx, nil
	}
	p.Sampled = r.Sampler(p.TraceID, p.parent != SpanID{}, p.Sampled)
	now := r.Now()
	var span *Span
	if p.Sampled && r.reserve(now) {
		p.recorder = r
		span = &Span{Context: p.Context, Parent: p.parent, Name: name, Kind: kind, Began: now, recorder: r}
	}
	return context.WithValue(ctx, placeKey{}, p), span
}

// Recording reports whether what is done in a context is recorded.
func Recording(ctx context.Context) bool {
	p, _ := placeOf(ctx)
	return p.recorder != nil
}

// Start begins a span in the one under way; nil where nothing is recorded.
func Start(ctx context.Context, name string, kind Kind) (context.Context, *Span) {
	p, _ := placeOf(ctx)
	if p.recorder == nil {
		return ctx, nil
	}
	span := p.recorder.begin(p, name, kind, p.recorder.Now())
	if span == nil {
		return ctx, nil
	}
	p.Context = span.Context
	return context.WithValue(ctx, placeKey{}, p), span
}

// Record records what is over, such as a call that was measured. failure names how it failed, "" for a success.
func Record(ctx context.Context, name string, kind Kind, began, ended time.Time, failure string, attributes ...Attribute) {
	p, _ := placeOf(ctx)
	if p.recorder == nil {
		return
	}
	if span := p.recorder.begin(p, name, kind, began); span != nil {
		span.Set(attributes...)
		span.end(ended, failure)
	}
}

func (r *Recorder) begin(p place, name string, kind Kind, at time.Time) *Span {
	span := &Span{Context: p.Context, Parent: p.SpanID, Name: name, Kind: kind, Began: at, recorder: r}
	if _, err := io.ReadFull(r.Random, span.SpanID[:]); err != nil || !r.reserve(at) {
		return nil
	}
	return span
}

// reserve takes a place for a span before it begins: so a span that is sent never names a parent that was given up for want of room.
func (r *Recorder) reserve(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if left := r.paused.Sub(now); left > 0 && left <= pause { // a clock set back does not stop the recorder
		return false
	}
	if r.places >= most {
		r.lost++
		return false
	}
	r.places++
	return true
}

func (r *Recorder) keep(s Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, s)
}

// Flush sends what has ended, at the end of an invocation. It takes a second at the most and fails nobody: what cannot be sent is given up,
// and nothing is recorded for a while.
func (r *Recorder) Flush(ctx context.Context) {
	if r == nil {
		return
	}
	spans, lost := r.take()
	if lost > 0 {
		r.Log.WarnContext(ctx, "spans were not recorded: there were too many in one invocation", "spans", lost)
	}
	if len(spans) == 0 {
		return
	}
	patience := limit
	if deadline, ok := ctx.Deadline(); ok { // deadlines are of the runtime's clock
		patience = min(limit, time.Until(deadline)-spare)
	}
	if patience <= 0 {
		r.Log.WarnContext(ctx, "spans were given up: the invocation's time is over", "spans", len(spans))
		return
	}
	sending, cancel := context.WithTimeout(Outside(context.WithoutCancel(ctx)), patience)
	defer cancel()
	if err := r.Export.Export(sending, spans); err != nil {
		r.mu.Lock()
		r.paused = r.Now().Add(pause)
		r.mu.Unlock()
		r.Log.WarnContext(ctx, "spans were not taken; none are recorded for a while", "spans", len(spans), "error", err)
	}
}

func (r *Recorder) take() ([]Span, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	spans, lost := r.ended, r.lost
	r.places -= len(spans)
	r.ended, r.lost = nil, 0
	return spans, lost
}
