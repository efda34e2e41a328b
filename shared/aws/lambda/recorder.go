package lambda

import (
	"bytes"
	"maps"
	"net/http"
)

// recorder keeps an answer whole until the handler is done, with net/http's rules: the first status counts, and headers set after
// it do not.
type recorder struct {
	header http.Header
	sent   http.Header // header as it was at the first WriteHeader; nil before that
	status int
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

// Header returns the headers of the answer to come.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader sets the status and closes the headers. Informational statuses have no place in an event and are passed over.
func (r *recorder) WriteHeader(status int) {
	if r.sent != nil || status < http.StatusOK {
		return
	}
	r.status, r.sent = status, r.header.Clone()
}

// Write adds to the body and never fails.
func (r *recorder) Write(p []byte) (int, error) {
	if r.sent == nil && r.header.Get("Content-Type") == "" && r.header.Get("Content-Encoding") == "" {
		r.header.Set("Content-Type", http.DetectContentType(p))
	}
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

func (r *recorder) copyTo(w http.ResponseWriter) {
	r.WriteHeader(http.StatusOK)
	maps.Copy(w.Header(), r.sent)
	w.WriteHeader(r.status)
	if r.body.Len() > 0 {
		_, _ = w.Write(r.body.Bytes()) // into a buffer
	}
}
