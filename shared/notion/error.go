package notion

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Error is what Notion answered in place of a success. It stands as the cause of a fault.Error.
//
// https://developers.notion.com/reference/status-codes
type Error struct {
	Status     int
	Code       string // as Notion names it; "" when the answer was not Notion's JSON
	Message    string
	RequestID  string
	RetryAfter time.Duration
	// CommittedResourceID is the page that was created although the answer is an error.
	CommittedResourceID string
	RateLimitReason     string
	ErrorType           string
}

// Error returns the status, Notion's code and message, and the request's id for Notion's support.
func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("%d and no answer in Notion's JSON", e.Status)
	}
	return fmt.Sprintf("notion answered %d %s: %s (request %s)", e.Status, e.Code, e.Message, e.RequestID)
}

// codeBlocked stands in an answer that must not be asked for again.
const codeBlocked = "public_api_request_blocked"

// codeFull is answered to creations in a workspace that holds all the blocks that its plan allows.
const codeFull = "row_limit_exceeded"

// maxMessage bounds how much of Notion's message is passed on.
const maxMessage = 500

// refusal reads an answer that is not a success.
func (t *transport) refusal(answer *http.Response, content []byte) (verdict, error) {
	e := parseError(answer, content, t.Now())
	kind, verdict, message := e.judge()
	return verdict, &fault.Error{Kind: kind, Message: message, RetryAfter: e.RetryAfter, Err: e}
}

func parseError(answer *http.Response, content []byte, now time.Time) *Error {
	var body struct {
		Code       string `json:"code"`
		Message    string `json:"message"`
		RequestID  string `json:"request_id"`
		Additional struct {
			CommittedResourceID string `json:"committed_resource_id"`
			RateLimitReason     string `json:"rate_limit_reason"`
			ErrorType           string `json:"error_type"`
		} `json:"additional_data"`
	}
	e := &Error{Status: answer.StatusCode, RetryAfter: retryAfter(answer.Header.Get("Retry-After"), now)}
	_ = json.Unmarshal(content, &body) // as far as it goes: additional_data has members of many types
	if body.Code == "" {
		return e
	}
	e.Code, e.RequestID = body.Code, body.RequestID
	e.Message = fmt.Sprintf("%.*s", maxMessage, body.Message)
	e.CommittedResourceID = body.Additional.CommittedResourceID
	e.RateLimitReason = body.Additional.RateLimitReason
	e.ErrorType = body.Additional.ErrorType
	return e
}

// retryAfter reads the header in either of its forms: seconds, or a date.
//
// https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
func retryAfter(header string, now time.Time) time.Duration {
	const longest = 24 * time.Hour
	if seconds, err := strconv.Atoi(header); err == nil {
		return time.Duration(min(max(0, seconds), int(longest/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(header); err == nil {
		return min(max(0, date.Sub(now)), longest)
	}
	return 0
}

// judge says what the answer means for the caller and for another attempt.
func (e *Error) judge() (fault.Kind, verdict, string) {
	switch {
	case e.Code == codeBlocked || e.RateLimitReason == codeBlocked:
		return fault.Forbidden, final, "Notion has blocked requests of this kind from this connection: ask Notion's support, naming the request in the log."
	case e.Status == http.StatusTooManyRequests:
		return fault.RateLimited, unread, "Notion's limit on requests is reached; wait and try again."
	case e.Status == statusOverloaded:
		return fault.RateLimited, unread, "Notion is overloaded; wait and try again."
	case e.Code == codeFull:
		return fault.Full, final, "The Notion workspace is full: a free workspace with several members holds 1,000 blocks for good, and each page is one at least. " +
			"Deleting gives nothing back. Upgrade the workspace's plan; pages are created again by themselves then."
	case e.Status == http.StatusForbidden && e.Code == "":
		return fault.Forbidden, final, "Something between here and Notion refused the request, not Notion itself (403 without Notion's JSON): " +
			"look at the proxy, the firewall or the filter that requests to api.notion.com go through."
	case e.Status == http.StatusOK:
		return fault.Unavailable, unclear, "Notion answered with 200, and not with whole JSON: its answer broke off, or something in between gave another. Try again later."
	case e.Status >= 500 || e.Code == "":
		return fault.Unavailable, unclear, "Notion is not available; try again later."
	}
	switch e.Status {
	case http.StatusUnauthorized:
		return fault.Unauthorized, staleToken, "Notion does not accept the token: connect the workspace again, or correct NOTION_TOKEN."
	case http.StatusForbidden:
		return fault.Forbidden, final, "The Notion connection may not do this: give it the capability in its settings in Notion."
	case http.StatusNotFound:
		return fault.NotFound, final, "Notion does not find it: share the page or the database with the connection in Notion."
	case http.StatusConflict:
		return fault.Conflict, final, "Somebody is changing it in Notion at this moment: read it again and try again."
	case http.StatusRequestEntityTooLarge:
		return fault.TooLarge, final, "Notion does not take so much in one request: shorten the record's texts."
	default:
		return fault.Invalid, final, "Notion refused it: " + e.Message
	}
}

// statusOverloaded is Notion's own: service_overload.
const statusOverloaded = 529
