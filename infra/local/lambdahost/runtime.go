package lambdahost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// runtimeAPI serves the Lambda Runtime API to the one process of the environment.
func (e *environment) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", e.serveNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", e.serveOutcome(false))
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", e.serveOutcome(true))
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", e.serveInitError)
	return mux
}

// serveNext ends the invocation under way and waits for the next one.
func (e *environment) serveNext(w http.ResponseWriter, r *http.Request) {
	e.finish()
	select {
	case call := <-e.work:
		e.mu.Lock()
		e.current = call
		e.mu.Unlock()
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", call.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(call.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn",
			fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", e.config.Region, e.config.AccountID, e.function.Name))
		h.Set("Lambda-Runtime-Trace-Id", e.traceID(call))
		_, _ = io.Copy(w, bytes.NewReader(call.event)) // a process that hangs up is dead, which others see
	case <-r.Context().Done():
	}
}

// finish ends the invocation under way: asking for the next one is how a runtime says that it is done.
func (e *environment) finish() {
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case <-e.ready:
	default:
		close(e.ready)
	}
	if call := e.current; call != nil {
		e.current = nil
		call.answer(*failure("Runtime.NoResponse", call.id, "the runtime asked for the next invocation without answering this one"))
		close(call.done)
	}
}

// traceID makes an X-Ray trace header of an invocation that is not sampled: its numbers are the invocation's id.
//
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
func (e *environment) traceID(call *invocation) string {
	digits := fmt.Sprintf("%-24s", strings.ReplaceAll(call.id, "-", ""))[:24]
	digits = strings.ReplaceAll(digits, " ", "0")
	began := call.deadline.Add(-e.function.Timeout)
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", began.Unix(), digits, digits[:16])
}

// serveOutcome takes the result of the invocation under way.
func (e *environment) serveOutcome(failed bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		call := e.current
		e.mu.Unlock()
		if call == nil || call.id != r.PathValue("id") {
			refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
			return
		}
		payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPayload))
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			message := fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", MaxPayload)
			call.answer(*failure("Function.ResponseSizeTooLarge", call.id, message))
			refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", message)
			return
		}
		if err != nil {
			return // the process is dead, which others see
		}
		call.answer(Result{Payload: payload, Failed: failed})
		accept(w)
	}
}

// serveInitError takes the reason for which the process will not ask for work.
func (e *environment) serveInitError(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPayload))
	if err != nil {
		return
	}
	e.mu.Lock()
	e.initFailed = &Result{Payload: payload, Failed: true}
	e.mu.Unlock()
	accept(w)
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorType": kind, "errorMessage": message})
}
