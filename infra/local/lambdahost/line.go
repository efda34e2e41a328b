package lambdahost

import (
	"bytes"
	"sync"
)

// maxLine is the longest line that is kept together, as in CloudWatch Logs.
const maxLine = 256 << 10

// lineWriter cuts what is written to it into lines.
type lineWriter struct {
	emit func(line []byte)

	mu   sync.Mutex
	rest []byte
}

// Write never fails.
func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		line, rest, ended := bytes.Cut(w.rest, []byte{'\n'})
		switch {
		case ended && len(line) <= maxLine:
			w.emit(bytes.TrimSuffix(line, []byte{'\r'}))
			w.rest = rest
		case len(w.rest) > maxLine:
			w.emit(w.rest[:maxLine])
			w.rest = w.rest[maxLine:]
		default:
			w.rest = append(w.rest[:0:0], w.rest...) // let go of what was emitted
			return len(p), nil
		}
	}
}

// flush emits an unfinished line, when no more will be written.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.emit(w.rest)
		w.rest = nil
	}
}
