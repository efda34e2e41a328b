package notion

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/jomei/notionapi"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// Me returns the bot that the token belongs to: the cheapest check of a token.
//
// https://developers.notion.com/reference/get-self
func (c *Client) Me(ctx context.Context) (*notionapi.User, error) {
	return c.user(ctx, func(ctx context.Context, users notionapi.UserService) (*notionapi.User, error) { return users.Me(ctx) })
}

// User returns a person or a bot. fault.NotFound: there is none of that id in the workspace; fault.Forbidden: the integration may not see
// people.
//
// https://developers.notion.com/reference/get-user
func (c *Client) User(ctx context.Context, id string) (*notionapi.User, error) {
	segment, err := pathID(id)
	if err != nil {
		return nil, err
	}
	return c.user(ctx, func(ctx context.Context, users notionapi.UserService) (*notionapi.User, error) {
		return users.Get(ctx, notionapi.UserID(segment))
	})
}

func (c *Client) user(ctx context.Context, ask func(context.Context, notionapi.UserService) (*notionapi.User, error)) (*notionapi.User, error) {
	base, err := url.Parse(c.base)
	if err != nil {
		return nil, errBaseURL()
	}
	through := &http.Client{Transport: &redirect{base: base, next: c.transport}}
	user, err := ask(ctx, notionapi.NewClient("", notionapi.WithHTTPClient(through)).User)
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if err == nil || fault.KindOf(err) != fault.Internal || errors.Is(err, fault.ErrNotAsked) {
		return user, err
	}
	return nil, fault.Wrap(err, fault.Unavailable, "Notion answered with something that is no user")
}

// redirect sends to base what notionapi addresses to Notion: it takes no base address.
type redirect struct {
	base *url.URL
	next http.RoundTripper
}

func (r *redirect) RoundTrip(request *http.Request) (*http.Response, error) {
	sent := request.Clone(request.Context())
	sent.URL.Scheme, sent.URL.Host, sent.Host = r.base.Scheme, r.base.Host, ""
	return r.next.RoundTrip(sent)
}
