// Package awsjson is the part of the AWS JSON protocols, 1.0 and 1.1, that a service needs to answer its clients: typed
// operations, and errors as the SDKs read them.
//
// See https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html and
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#x-amzn-query-error.
package awsjson

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"
)

// Scope is where a call goes: the account and region that the request was signed for, and the address that the client
// used, which queue URLs begin with.
type Scope struct {
	Account string
	Region  string
	BaseURL string
}

// Operation answers one call: the body of the request in, a value that encodes to the body of the answer out. An error
// that is no *Error is a defect of the service and is answered as an internal failure.
type Operation func(ctx context.Context, scope Scope, body []byte) (any, error)

// Typed makes an operation of a function over typed input and output. A body that does not decode into In is answered
// with a SerializationException.
func Typed[In, Out any](f func(context.Context, Scope, In) (Out, error)) Operation {
	return func(ctx context.Context, scope Scope, body []byte) (any, error) {
		var in In
		if err := decode(body, &in); err != nil {
			return nil, err
		}
		return f(ctx, scope, in)
	}
}

// decode reads one JSON object. encoding/json would replace bytes that are not UTF-8 in silence, and a message would
// arrive other than it was sent.
func decode(body []byte, into any) error {
	if !utf8.Valid(body) {
		return serialization("the request body is not UTF-8")
	}
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '{' {
		return serialization("the request body must be a JSON object")
	}
	if err := json.Unmarshal(body, into); err != nil {
		if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return serialization(fmt.Sprintf("%s cannot be a JSON %s", kind.Field, kind.Value))
		}
		return serialization("the request body is not the JSON of this operation")
	}
	return nil
}

func serialization(message string) *Error {
	return &Error{Status: http.StatusBadRequest, Type: "com.amazon.coral.service#SerializationException", Message: message}
}

// Error is an answer that is an error.
type Error struct {
	Status  int    // HTTP status; 400 when zero
	Type    string // the error's shape, which the SDKs turn into a type
	Query   string // the code of the older Query protocol, where the service still names one
	Message string
}

// Error returns type and message.
func (e *Error) Error() string { return e.Type + ": " + e.Message }

// Protocol is how one service writes its answers.
type Protocol struct {
	Version    string // "1.0" or "1.1"
	MessageKey string // what an error calls its sentence: "message" or "Message"
}

// Answer writes out with status 200.
func (p Protocol) Answer(w http.ResponseWriter, out any) error {
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return p.write(w, http.StatusOK, body)
}

// Refuse writes e with its status.
func (p Protocol) Refuse(w http.ResponseWriter, e *Error) error {
	body, err := json.Marshal(map[string]string{"__type": e.Type, p.MessageKey: e.Message})
	if err != nil {
		return err
	}
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	if e.Query != "" {
		w.Header().Set("X-Amzn-Query-Error", e.Query+";"+e.culprit(status))
	}
	return p.write(w, status, body)
}

func (e *Error) culprit(status int) string {
	if status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

func (p Protocol) write(w http.ResponseWriter, status int, body []byte) error {
	w.Header().Set("Content-Type", "application/x-amz-json-"+p.Version)
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}
