// Package wire is Notion's dialect of JSON: the shape of its errors, reading a request with the path of whatever is wrong
// in it, and writing an answer.
package wire

import (
	"fmt"
	"net/http"
)

// Error is an answer that refuses a request.
//
// https://developers.notion.com/reference/status-codes
type Error struct {
	Status     int
	Code       string
	Message    string
	Data       map[string]string // additional_data, when there is any
	RetryAfter int               // seconds for the Retry-After header, when above zero
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Append writes the error as Notion's body for it.
func (e *Error) Append(b *Buffer, requestID string) {
	b.Open()
	b.Key("object").String("error")
	b.Key("status").Int(e.Status)
	b.Key("code").String(e.Code)
	b.Key("message").String(e.Message)
	if len(e.Data) > 0 {
		b.Key("additional_data").Open()
		for _, k := range sortedKeys(e.Data) {
			b.Key(k).String(e.Data[k])
		}
		b.Close()
	}
	b.Key("request_id").String(requestID)
	b.Close()
}

// Validation is a 400 validation_error.
func Validation(format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "validation_error", Message: fmt.Sprintf(format, args...)}
}

// InvalidURL is the answer to a path or method that does not exist.
func InvalidURL() *Error {
	return &Error{Status: http.StatusBadRequest, Code: "invalid_request_url", Message: "Invalid request URL."}
}

// NotFound is the answer for what does not exist or is not shared: Notion does not tell the two apart. Kind is "page",
// "database", "data source" or "user".
func NotFound(kind, id, integration string) *Error {
	return &Error{
		Status: http.StatusNotFound, Code: "object_not_found",
		Message: fmt.Sprintf("Could not find %s with ID: %s. Make sure the relevant pages and databases are shared with your integration %q.", kind, id, integration),
	}
}

// Unauthorized is the answer to a token that is not valid.
func Unauthorized() *Error {
	return &Error{Status: http.StatusUnauthorized, Code: "unauthorized", Message: "API token is invalid."}
}
