package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// answer is a function's result as API Gateway reads it.
type answer struct {
	status  int
	headers map[string]string
	cookies []string
	body    []byte
}

// writeAnswer answers with a function's payload, or gives errInternal when API Gateway cannot read it. Where the gateway sees to CORS,
// what the function says of it does not count.
func writeAnswer(w http.ResponseWriter, payload []byte, cors bool) error {
	a, ok := read(payload)
	if !ok {
		return errInternal
	}
	header := w.Header()
	for name, value := range a.headers {
		switch name = textproto.CanonicalMIMEHeaderKey(name); name {
		case "Connection", "Content-Length", "Keep-Alive", "Trailer", "Transfer-Encoding", "Upgrade": // the server's own
		default:
			if !cors || !strings.HasPrefix(name, "Access-Control-") {
				header.Add(name, value)
			}
		}
	}
	for _, cookie := range a.cookies {
		header.Add("Set-Cookie", cookie)
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that hung up
	return nil
}

// read reads a payload. JSON without a status code is itself the body of an answer 200.
func read(payload []byte) (answer, bool) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(payload, &fields); err != nil || fields["statusCode"] == nil {
		if !json.Valid(payload) {
			return answer{}, false
		}
		return answer{status: http.StatusOK, headers: map[string]string{"Content-Type": "application/json"}, body: bytes.TrimSpace(payload)}, true
	}
	var given struct {
		StatusCode      json.Number
		Headers         map[string]any
		Cookies         []string
		Body            *string
		IsBase64Encoded bool
	}
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	if err := decoder.Decode(&given); err != nil {
		return answer{}, false
	}
	a := answer{headers: map[string]string{}, cookies: given.Cookies}
	var err error
	if a.status, err = strconv.Atoi(given.StatusCode.String()); err != nil || a.status < 200 || a.status > 599 {
		return answer{}, false
	}
	for name, value := range given.Headers {
		switch v := value.(type) {
		case string:
			a.headers[name] = v
		case json.Number:
			a.headers[name] = v.String()
		case bool:
			a.headers[name] = strconv.FormatBool(v)
		default:
			return answer{}, false
		}
	}
	if given.Body != nil {
		a.body = []byte(*given.Body)
	}
	if given.IsBase64Encoded {
		if a.body, err = base64.StdEncoding.DecodeString(string(a.body)); err != nil {
			return answer{}, false
		}
	}
	return a, true
}
