// Package notionoauth speaks Notion's OAuth: the address of the consent page, and the calls for tokens, over golang.org/x/oauth2 where
// that fits.
//
// https://developers.notion.com/docs/authorization
package notionoauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/act-platform/enhanced-integration/shared/oauth"
)

const (
	defaultBaseURL = "https://api.notion.com"
	defaultTimeout = 10 * time.Second
	// maxAnswer bounds an answer.
	maxAnswer = 64 << 10
)

// Config says who connects, and where. ID, Secret and RedirectURI are required.
type Config struct {
	BaseURL     string
	ID          string
	Secret      func(ctx context.Context) (string, error)
	RedirectURI string
	Transport   http.RoundTripper
	// Timeout bounds a call, its answer read. A refresh that is not answered in time may have rotated the tokens all the same.
	Timeout time.Duration
}

// Client calls Notion's OAuth endpoints. It is safe for concurrent use. Its errors are of kind Unavailable, but for those that wrap
// oauth.ErrInvalidGrant, which are Unauthorized.
type Client struct {
	config Config
	http   *http.Client
}

// New makes a client.
func New(config Config) *Client {
	if config.BaseURL == "" {
		config.BaseURL = defaultBaseURL
	}
	config.BaseURL = strings.TrimSuffix(config.BaseURL, "/")
	if config.Timeout == 0 {
		config.Timeout = defaultTimeout
	}
	if config.Transport == nil {
		config.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: config.Timeout, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 1,
		}
	}
	return &Client{config, &http.Client{
		Transport: bounded{config.Transport},
		Timeout:   config.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // a token is asked for where it is, or not at all
		},
	}}
}

// AuthorizationURL gives the address of the page on which a person allows access.
func (c *Client) AuthorizationURL(state string) string {
	return c.oauth2("").AuthCodeURL(state, oauth2.SetAuthURLParam("owner", "user"))
}

// oauth2 gives the library's view of Notion. The style is set, or a failed exchange would be tried again with the secret in the body.
func (c *Client) oauth2(secret string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: c.config.ID, ClientSecret: secret, RedirectURL: c.config.RedirectURI,
		Endpoint: oauth2.Endpoint{
			AuthURL: c.config.BaseURL + "/v1/oauth/authorize", TokenURL: c.config.BaseURL + "/v1/oauth/token", AuthStyle: oauth2.AuthStyleInHeader,
		},
	}
}

// Exchange gives the tokens for a code.
func (c *Client) Exchange(ctx context.Context, code string) (oauth.Answer, error) {
	return c.token(ctx, func(ctx context.Context, app *oauth2.Config) (*oauth2.Token, error) { return app.Exchange(ctx, code) })
}

// Refresh gives the pair that follows the one of a refresh token, which dies.
func (c *Client) Refresh(ctx context.Context, refresh string) (oauth.Answer, error) {
	return c.token(ctx, func(ctx context.Context, app *oauth2.Config) (*oauth2.Token, error) {
		return app.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
	})
}

func (c *Client) token(ctx context.Context, ask func(context.Context, *oauth2.Config) (*oauth2.Token, error)) (oauth.Answer, error) {
	secret, err := c.config.Secret(ctx)
	if err != nil {
		return oauth.Answer{}, err
	}
	client := *c.http
	client.Transport = inJSON{c.http.Transport}
	token, err := ask(context.WithValue(ctx, oauth2.HTTPClient, &client), c.oauth2(secret))
	if err != nil {
		return oauth.Answer{}, refusal(err)
	}
	text := func(name string) string {
		s, _ := token.Extra(name).(string)
		return s
	}
	answer := oauth.Answer{
		Pair:      oauth.Pair{Access: token.AccessToken, Refresh: token.RefreshToken},
		Workspace: oauth.Workspace{ID: text("workspace_id"), Name: text("workspace_name"), BotID: text("bot_id")},
		Scope:     text("scope"), ExpiresAt: token.Expiry,
	}
	if owner := token.Extra("owner"); owner != nil {
		answer.Owner, err = json.Marshal(owner)
	}
	return answer, err
}

// Introspect asks whether an access token is good.
//
// https://developers.notion.com/reference/introspect-token
func (c *Client) Introspect(ctx context.Context, access string) (oauth.Introspection, error) {
	var answer struct {
		Active *bool  `json:"active"`
		Scope  string `json:"scope"`
		Issued int64  `json:"iat"`
	}
	if err := c.post(ctx, "/v1/oauth/introspect", access, &answer); err != nil {
		return oauth.Introspection{}, err
	}
	if answer.Active == nil {
		return oauth.Introspection{}, away(errors.New("an introspection without active"))
	}
	result := oauth.Introspection{Active: *answer.Active, Scope: answer.Scope}
	if answer.Issued > 0 {
		result.IssuedAt = time.Unix(answer.Issued, 0).UTC()
	}
	return result, nil
}

// Revoke ends the connection of an access token. One that Notion does not know is no error.
//
// https://developers.notion.com/reference/revoke-token
func (c *Client) Revoke(ctx context.Context, access string) error {
	return c.post(ctx, "/v1/oauth/revoke", access, &struct{}{})
}

// post sends a token to one of the endpoints that the library does not have.
func (c *Client) post(ctx context.Context, path, token string, into any) error {
	secret, err := c.config.Secret(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"token": token})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.config.BaseURL+path, bytes.NewReader(body))
	if err != nil {
		return away(err)
	}
	request.SetBasicAuth(url.QueryEscape(c.config.ID), url.QueryEscape(secret))
	request.Header.Set("Content-Type", "application/json")
	answer, err := c.http.Do(request)
	if err != nil {
		return away(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return away(err)
	}
	if answer.StatusCode != http.StatusOK {
		return judge(answer.StatusCode, content)
	}
	if err := json.Unmarshal(content, into); err != nil {
		return away(errors.New("no JSON")) // which its error would repeat
	}
	return nil
}
