// Package receiver is an endpoint to send webhooks to while developing: it shows what arrived and whether its signature holds, and
// answers as it is told to, badly too. It belongs to the local system and is never deployed.
//
//	PUT    /_receiver/{name}  {"secret":"whsec_…","status":500,"share":0.2,"hang":"20s","redirect":"http://…","endless":true,"inflate":true,"cut":true,"retry_after":"7"}
//	POST   /_receiver/{name}  takes a webhook
//	GET    /_receiver/{name}  what arrived, the newest last
//	DELETE /_receiver/{name}  forgets it
package receiver

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	kept    = 20_000   // arrivals of one name
	maxBody = 1 << 20  // bytes of a webhook
	bomb    = 50 << 20 // bytes that an inflating answer inflates to
)

// Arrival is a webhook that arrived.
type Arrival struct {
	At        time.Time       `json:"at"`
	WebhookID string          `json:"webhook_id"`
	Header    http.Header     `json:"headers"`
	Body      json.RawMessage `json:"body"`
	Verified  *bool           `json:"verified"` // null: no secret is set
	Problem   string          `json:"problem,omitempty"`
	Answered  int             `json:"answered"` // 0: not at all
}

// Manner is how a name answers; the zero value answers 200.
type Manner struct {
	Secret     string  `json:"secret"`      // to verify signatures with
	Status     int     `json:"status"`      // of the bad answer; 0: 200
	Share      float64 `json:"share"`       // of requests that are answered badly; 0: all
	RetryAfter string  `json:"retry_after"` // header of the bad answer
	Hang       string  `json:"hang"`        // how long to wait before the bad answer
	HangBody   string  `json:"hang_body"`   // how long to wait after its headers
	Redirect   string  `json:"redirect"`    // where the bad answer leads
	Endless    bool    `json:"endless"`     // its body never ends
	Inflate    bool    `json:"inflate"`     // its body is small and inflates to 50 MB
	Cut        bool    `json:"cut"`         // the connection is closed in its middle

	hang, hangBody time.Duration
}

// Receiver is an http.Handler. It is safe for concurrent use.
type Receiver struct {
	now func() time.Time
	log *slog.Logger
	mux *http.ServeMux

	mu    sync.Mutex
	names map[string]*mailbox
}

type mailbox struct {
	manner   Manner
	arrivals []Arrival
}

// New makes a receiver.
func New(now func() time.Time, log *slog.Logger) *Receiver {
	s := &Receiver{now: now, log: log, mux: http.NewServeMux(), names: map[string]*mailbox{}}
	s.mux.HandleFunc("GET /_receiver/{name}", s.show)
	s.mux.HandleFunc("PUT /_receiver/{name}", s.set)
	s.mux.HandleFunc("POST /_receiver/{name}", s.take)
	s.mux.HandleFunc("DELETE /_receiver/{name}", s.forget)
	return s
}

// ServeHTTP answers what is under /_receiver/.
func (s *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mux.ServeHTTP(w, r)
}

// box returns a name's mailbox. The caller holds the lock.
func (s *Receiver) box(name string) *mailbox {
	b := s.names[name]
	if b == nil {
		b = &mailbox{}
		s.names[name] = b
	}
	return b
}

func (s *Receiver) show(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	b := s.box(r.PathValue("name"))
	arrivals := b.arrivals
	s.mu.Unlock()
	if arrivals == nil {
		arrivals = []Arrival{}
	}
	write(w, http.StatusOK, map[string]any{"total": len(arrivals), "arrivals": arrivals})
}

func (s *Receiver) set(w http.ResponseWriter, r *http.Request) {
	var m Manner
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	err := dec.Decode(&m)
	for text, into := range map[string]*time.Duration{m.Hang: &m.hang, m.HangBody: &m.hangBody} {
		if text != "" && err == nil {
			*into, err = time.ParseDuration(text)
		}
	}
	if err == nil && (m.Status != 0 && (m.Status < 200 || m.Status > 599) || m.Share < 0 || m.Share > 1) {
		err = errors.New("status is from 200 to 599, share from 0 to 1")
	}
	if err != nil {
		write(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.box(r.PathValue("name")).manner = m
	write(w, http.StatusOK, map[string]bool{"ok": true})
}

func (s *Receiver) forget(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.names, r.PathValue("name"))
	write(w, http.StatusOK, map[string]bool{"ok": true})
}

// take takes a webhook and answers in the name's manner.
func (s *Receiver) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		write(w, http.StatusRequestEntityTooLarge, map[string]string{"error": "the body cannot be read"})
		return
	}
	name := r.PathValue("name")
	s.mu.Lock()
	manner := s.box(name).manner
	s.mu.Unlock()
	arrival := Arrival{At: s.now().UTC(), WebhookID: r.Header.Get(webhooks.HeaderWebhookID), Header: r.Header.Clone(), Body: body, Answered: http.StatusOK}
	if !json.Valid(body) {
		arrival.Body, _ = json.Marshal(string(body)) // a string is marshalled
	}
	arrival.verify(manner.Secret, body)
	bad := manner.bad() && (manner.Share == 0 || rand.Float64() < manner.Share) //nolint:gosec // chance, no secret
	if bad {
		arrival.Answered = manner.Status
	}
	s.keep(name, arrival)
	if bad {
		s.misbehave(w, r, manner)
		return
	}
	write(w, http.StatusOK, map[string]bool{"ok": true})
}

func (s *Receiver) keep(name string, a Arrival) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.box(name)
	if len(b.arrivals) == kept {
		b.arrivals = append([]Arrival(nil), b.arrivals[1:]...)
	}
	b.arrivals = append(b.arrivals, a)
	s.log.Info("a webhook arrived", "receiver", name, "webhook_id", a.WebhookID, "answered", a.Answered)
}

func (a *Arrival) verify(secret string, body []byte) {
	if secret == "" {
		return
	}
	verifier, err := webhooks.NewWebhook(secret)
	if err == nil {
		err = verifier.Verify(body, a.Header)
	}
	verified := err == nil
	a.Verified = &verified
	if err != nil {
		a.Problem = err.Error()
	}
}

func (m Manner) bad() bool {
	return m.Status != 0 || m.hang > 0 || m.hangBody > 0 || m.Redirect != "" || m.Endless || m.Inflate || m.Cut
}

// misbehave answers badly.
func (s *Receiver) misbehave(w http.ResponseWriter, r *http.Request, m Manner) {
	if !wait(r.Context(), m.hang) {
		return
	}
	status := http.StatusOK
	if m.Status != 0 {
		status = m.Status
	}
	if m.Redirect != "" {
		w.Header().Set("Location", m.Redirect)
		status = http.StatusTemporaryRedirect
	}
	if m.RetryAfter != "" {
		w.Header().Set("Retry-After", m.RetryAfter)
	}
	if m.Inflate {
		w.Header().Set("Content-Encoding", "gzip")
	}
	if m.Cut {
		w.Header().Set("Content-Length", "1000")
	}
	w.WriteHeader(status)
	_ = http.NewResponseController(w).Flush() // where the writer cannot, what follows is sent at the end
	switch {
	case m.hangBody > 0:
		wait(r.Context(), m.hangBody)
	case m.Endless:
		for r.Context().Err() == nil {
			if _, err := w.Write(bytes.Repeat([]byte("endless "), 512)); err != nil {
				return
			}
		}
	case m.Inflate:
		zip := gzip.NewWriter(w)
		_, _ = io.CopyN(zip, zeros{}, bomb) // a client that hung up has seen enough
		_ = zip.Close()
	case m.Cut:
		_, _ = io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	}
}

type zeros struct{}

// Read returns nothing but zeros.
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // to a client who may be gone
}
