package console

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
)

// describe says what an invocation was about and how it went.
func describe(r lambdahost.Report) (what, outcome string, well bool) {
	var event struct {
		RequestContext struct{ HTTP struct{ Method, Path string } }
		Records        []json.RawMessage
		DetailType     string `json:"detail-type"`
	}
	_ = json.Unmarshal(r.Event, &event) // an event may be anything
	if r.Result.Failed {
		well, outcome = false, failure(r.Result.Payload)
	} else {
		well, outcome = true, "ok"
	}
	switch request := event.RequestContext.HTTP; {
	case request.Method != "":
		what = printable(request.Method + " " + request.Path)
		if status, ok := statusOf(r.Result); ok {
			outcome, well = strconv.Itoa(status), status < 500
		}
	case len(event.Records) == 1:
		what = "1 message"
		outcome, well = partial(r.Result, outcome, well)
	case len(event.Records) > 1:
		what = fmt.Sprintf("%d messages", len(event.Records))
		outcome, well = partial(r.Result, outcome, well)
	case event.DetailType != "":
		what = printable(event.DetailType)
	default:
		what = printable(shorten(string(r.Event)))
	}
	return what, outcome, well
}

// failure returns the message of a failed invocation.
func failure(payload []byte) string {
	var given struct{ ErrorMessage string }
	if err := json.Unmarshal(payload, &given); err != nil || given.ErrorMessage == "" {
		return "failed"
	}
	return printable(shorten(given.ErrorMessage))
}

func statusOf(r lambdahost.Result) (status int, ok bool) {
	var answer struct{ StatusCode int }
	err := json.Unmarshal(r.Payload, &answer)
	return answer.StatusCode, err == nil && !r.Failed && answer.StatusCode > 0
}

// partial says when a function could not do some of its messages.
func partial(r lambdahost.Result, outcome string, well bool) (string, bool) {
	var answer struct{ BatchItemFailures []json.RawMessage }
	if err := json.Unmarshal(r.Payload, &answer); err != nil || r.Failed || len(answer.BatchItemFailures) == 0 {
		return outcome, well
	}
	return fmt.Sprintf("%d failed", len(answer.BatchItemFailures)), false
}

func shorten(text string) string {
	const most = 200
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
