package lambda

import (
	"bytes"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// harmless returns event without the parts that the library damages or refuses; restore puts them into the request that it makes.
func harmless(event events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPRequest {
	event.RawPath, event.RawQueryString, event.QueryStringParameters = "/", "", nil
	event.Headers, event.Cookies = nil, nil
	event.Body, event.IsBase64Encoded = "", false
	event.RequestContext.DomainName = "" // a header of the caller's: nothing that a URL is parsed from
	return event
}

// restore returns r as the client sent it. Errors are of kind Invalid and TooLarge.
func restore(r *http.Request, event events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	body, err := bodyOf(event)
	if err != nil {
		return r, err
	}
	r.Header = headerOf(event)
	r.Host = r.Header.Get("Host")
	if r.Host == "" {
		r.Host = event.RequestContext.DomainName
	}
	r.Header.Del("Host") // where net/http keeps it
	r.URL = urlOf(event)
	r.URL.Host = r.Host
	r.RequestURI = r.URL.RequestURI()
	r.RemoteAddr = net.JoinHostPort(event.RequestContext.HTTP.SourceIP, "0") // the port is not told; SplitHostPort wants one
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.GetBody = nil // a client's field
	return r, nil
}

func bodyOf(event events.APIGatewayV2HTTPRequest) ([]byte, error) {
	body := []byte(event.Body)
	if event.IsBase64Encoded {
		if base64.StdEncoding.DecodedLen(len(body)) > MaxBody+2 { // + 2: what padding may hide
			return nil, tooLarge()
		}
		decoded, err := base64.StdEncoding.DecodeString(event.Body)
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "The body is not the base64 that it is said to be.")
		}
		body = decoded
	}
	if len(body) > MaxBody {
		return nil, tooLarge()
	}
	return body, nil
}

func tooLarge() error {
	return fault.New(fault.TooLarge, "The body has more than %d bytes. Send less in one request.", MaxBody)
}

// headerOf returns each header as one value, because a comma in it is as likely a part of it as API Gateway's joining. Gateways that
// send cookies both as a header and as a list mean them once.
func headerOf(event events.APIGatewayV2HTTPRequest) http.Header {
	header := make(http.Header, len(event.Headers)+1)
	for name, value := range event.Headers {
		header.Set(name, value)
	}
	if len(event.Cookies) > 0 {
		header.Set("Cookie", strings.Join(event.Cookies, "; "))
	}
	return header
}

// urlOf takes the path as it came: an HTTP API has decoded it by then, so that a percent sign in it is just that.
func urlOf(event events.APIGatewayV2HTTPRequest) *url.URL {
	return &url.URL{Scheme: "https", Path: pathOf(event), RawQuery: event.RawQueryString}
}

// pathOf returns the path without the stage. Where a route itself begins as the stage is called, the stage is known by standing there
// twice.
func pathOf(event events.APIGatewayV2HTTPRequest) string {
	stage := "/" + event.RequestContext.Stage
	_, route, _ := strings.Cut(event.RouteKey, " ")
	path := event.RawPath
	switch {
	case !within(path, stage):
	case within(route, stage) && !within(path, stage+stage):
	default:
		path = strings.TrimPrefix(path, stage)
	}
	if path == "" {
		return "/"
	}
	return path
}

// within reports whether path is prefix or lies beneath it.
func within(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '/')
}
