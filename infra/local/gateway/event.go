package gateway

import (
	"encoding/base64"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// newEvent makes the event of payload format 2.0 for a request. The path in it is decoded, the query string is not.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func (g *Gateway) newEvent(r *http.Request, m match, id string, body []byte) events.APIGatewayV2HTTPRequest {
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = r.RemoteAddr
	}
	domain, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		domain = r.Host
	}
	prefix, _, _ := strings.Cut(domain, ".")
	now := g.config.Now().UTC()
	event := events.APIGatewayV2HTTPRequest{
		Version:               "2.0",
		RouteKey:              m.key(),
		RawPath:               r.URL.Path,
		RawQueryString:        r.URL.RawQuery,
		Cookies:               cookies(r.Header),
		Headers:               headers(r, source, int64(len(body))),
		QueryStringParameters: query(r.URL.RawQuery),
		PathParameters:        m.parameters,
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: m.key(), AccountID: g.config.AccountID, Stage: g.config.API.Stage, RequestID: id, APIID: "local",
			DomainName: domain, DomainPrefix: prefix, Time: now.Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: r.Method, Path: r.URL.Path, Protocol: r.Proto, SourceIP: source, UserAgent: r.UserAgent(),
			},
		},
	}
	if event.IsBase64Encoded = len(body) > 0 && !isText(r.Header, body); event.IsBase64Encoded {
		event.Body = base64.StdEncoding.EncodeToString(body)
	} else {
		event.Body = string(body)
	}
	return event
}

// headers returns the headers by lower-case name, several of a name joined, and those that API Gateway adds. Cookies go apart.
func headers(r *http.Request, source string, length int64) map[string]string {
	result := make(map[string]string, len(r.Header)+5)
	for name, values := range r.Header {
		result[strings.ToLower(name)] = strings.Join(values, ",")
	}
	delete(result, "cookie")
	result["host"] = r.Host
	result["content-length"] = strconv.FormatInt(length, 10)
	result["x-forwarded-for"] = strings.TrimPrefix(result["x-forwarded-for"]+", "+source, ", ")
	result["x-forwarded-proto"] = "http"
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		result["x-forwarded-port"] = port
	}
	return result
}

func cookies(header http.Header) []string {
	var result []string
	for _, line := range header.Values("Cookie") {
		for cookie := range strings.SplitSeq(line, ";") {
			if cookie = strings.TrimSpace(cookie); cookie != "" {
				result = append(result, cookie)
			}
		}
	}
	return result
}

// query returns the parameters decoded, several of a name joined in the order in which they came. What cannot be decoded is left out.
func query(raw string) map[string]string {
	values, _ := url.ParseQuery(raw) // gives what it could read
	if len(values) == 0 {
		return nil
	}
	result := make(map[string]string, len(values))
	for name, several := range values {
		result[name] = strings.Join(several, ",")
	}
	return result
}

// isText reports whether a body goes into the event as it is: its type says that it is text, and so it is.
func isText(header http.Header, body []byte) bool {
	if header.Get("Content-Encoding") != "" || !utf8.Valid(body) {
		return false
	}
	given := header.Get("Content-Type")
	if given == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(given)
	if err != nil {
		return false
	}
	switch media {
	case "application/json", "application/javascript", "application/xml":
		return true
	}
	return strings.HasPrefix(media, "text/")
}
