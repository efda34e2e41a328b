package notionoauth

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"

	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

// refusal says what an error of the library means. The library's own text repeats the answer, which may hold a token, so that it goes no
// further.
func refusal(err error) error {
	if answered, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return judge(answered.Response.StatusCode, codeOf(answered.Body))
	}
	if lost, ok := errors.AsType[*url.Error](err); ok {
		return away(lost)
	}
	return away(errors.New("an answer without a token"))
}

// codeOf returns the code of an error, which comes in two shapes: {"error":…} and {"code":…,"message":…}; "" for what is neither.
func codeOf(body []byte) string {
	var said struct {
		Error string `json:"error"`
		Code  string `json:"code"`
	}
	_ = json.Unmarshal(body, &said) // a gateway's page says nothing
	return cmp.Or(said.Error, said.Code)
}

// judge says what an answer without a token means.
func judge(status int, code string) error {
	switch {
	case code == "invalid_grant":
		return fault.Wrap(grant.ErrInvalidGrant, fault.Unauthorized, "Notion does not accept the authorization any more. Connect the workspace again.")
	case code == "invalid_client" || status == http.StatusUnauthorized:
		return fault.Wrap(grant.ErrInvalidClient, fault.Unavailable, "Notion does not know the application: check NOTION_OAUTH_CLIENT_ID and NOTION_OAUTH_CLIENT_SECRET.")
	}
	return away(fmt.Errorf("status %d without what was asked for", status))
}

func away(err error) error {
	return fault.Wrap(err, fault.Unavailable, "Notion's authorization does not answer as it should. Try again in a moment.")
}

// bounded refuses answers that are larger than any of Notion's.
type bounded struct{ next http.RoundTripper }

var errTooLarge = errors.New("an answer larger than any of Notion's")

// RoundTrip sends a request and reads the whole answer.
func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxAnswer {
		return nil, errTooLarge
	}
	answer.Body = io.NopCloser(bytes.NewReader(content))
	return answer, nil
}

// inJSON writes as JSON, which is what Notion documents, the form that the library writes.
type inJSON struct{ next http.RoundTripper }

// RoundTrip sends a request.
func (j inJSON) RoundTrip(request *http.Request) (*http.Response, error) {
	defer request.Body.Close()
	form, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	values, err := url.ParseQuery(string(form))
	if err != nil {
		return nil, err
	}
	fields := make(map[string]string, len(values))
	for name := range values {
		fields[name] = values.Get(name)
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	sent := request.Clone(request.Context())
	sent.Header.Set("Content-Type", "application/json")
	sent.Body, sent.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	sent.GetBody = nil
	return j.next.RoundTrip(sent)
}
