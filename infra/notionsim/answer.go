package notionsim

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

const jsonType = "application/json; charset=utf-8"

// strike asks the rules and the hook whether a fault strikes at this moment. Latency is waited for here.
func (s *Sim) strike(c *call, saved bool) *chaos.Fault {
	moment := chaos.Before
	if saved {
		moment = chaos.After
	}
	method, route, _ := strings.Cut(c.route, " ")
	fault := s.faults.Pick(method, route, c.who(), moment)
	if fault == nil && c.actor.Bot && s.config.OnRequest != nil {
		fault = s.config.OnRequest(c.request, saved)
	}
	if fault == nil {
		return nil
	}
	if wait := fault.Latency(); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.request.Context().Done():
		}
	}
	if !fault.Ends() {
		return nil
	}
	return fault
}

// respond writes the answer of a call, or its error.
func (s *Sim) respond(w http.ResponseWriter, c *call, err error) {
	status := http.StatusOK
	body := c.answer.Bytes()
	if err != nil {
		refusal, ok := errors.AsType[*wire.Error](err)
		if !ok {
			s.log.Error("a request failed", "route", c.route, "request_id", c.id, "error", err)
			code, message := chaos.Default(http.StatusInternalServerError)
			refusal = &wire.Error{Status: http.StatusInternalServerError, Code: code, Message: message}
		}
		var b wire.Buffer
		refusal.Append(&b, c.id)
		status, body = refusal.Status, b.Bytes()
		if refusal.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(refusal.RetryAfter))
		}
	}
	s.send(w, c, status, jsonType, body)
}

// spoil answers a call with a fault.
func (s *Sim) spoil(w http.ResponseWriter, c *call, f *chaos.Fault) {
	if f.Drop {
		panic(http.ErrAbortHandler) // net/http breaks the connection
	}
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	if body, kind, replaced := f.Replacement(); replaced {
		s.send(w, c, f.Status, kind, body)
		return
	}
	code, message := chaos.Default(f.Status)
	refusal := &wire.Error{Status: f.Status, Code: code, Message: message, Data: make(map[string]string)}
	if f.Code != "" {
		refusal.Code = f.Code
	}
	if f.Message != "" {
		refusal.Message = f.Message
	}
	if f.Reason != "" {
		refusal.Data["rate_limit_reason"] = f.Reason
	}
	if c.created != "" && s.Options().CommittedResourceID {
		refusal.Data["committed_resource_id"] = c.created
	}
	var b wire.Buffer
	refusal.Append(&b, c.id)
	s.send(w, c, f.Status, jsonType, b.Bytes())
}

func (s *Sim) send(w http.ResponseWriter, c *call, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Date", s.clock.Now().UTC().Format(http.TimeFormat))
	h.Set("X-Request-Id", c.id)
	h.Set("X-Notion-Request-Id", c.id)
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		s.log.Debug("an answer did not arrive", "request_id", c.id, "error", err)
	}
}
