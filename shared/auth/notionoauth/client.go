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

	"github.com/act-platform/enhanced-integration/shared/auth/grant"
	"github.com/act-platform/enhanced-integration/shared/secret"
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
	Secret      func(ctx context.Context) (secret.Text, error)
	RedirectURI string
	Transport   http.RoundTripper
	// Timeout bounds a call, its answer read. A refresh that is not answered in time may have rotated the tokens all the same.
	Timeout time.Duration
	Now     func() time.Time
}

// Client calls Notion's OAuth endpoints. It is safe for concurrent use. Its errors are of kind Unavailable, but for those that wrap
// grant.ErrInvalidGrant, which are Unauthorized.
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
	if config.Now == nil {
		config.Now = time.Now
	}
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

// AuthorizationURL returns the address of the page on which a person allows access.
func (c *Client) AuthorizationURL(state string) string {
	return c.oauth2(secret.Text{}).AuthCodeURL(state, oauth2.SetAuthURLParam("owner", "user"))
}

// oauth2 returns the library's view of Notion. The style is set, or a failed exchange would be tried again with the secret in the body.
func (c *Client) oauth2(clientSecret secret.Text) *oauth2.Config {
	return &oauth2.Config{
		ClientID: c.config.ID, ClientSecret: clientSecret.Reveal(), RedirectURL: c.config.RedirectURI,
		Endpoint: oauth2.Endpoint{
			AuthURL: c.config.BaseURL + "/v1/oauth/authorize", TokenURL: c.config.BaseURL + "/v1/oauth/token", AuthStyle: oauth2.AuthStyleInHeader,
		},
	}
}

// Exchange returns the tokens for a code.
func (c *Client) Exchange(ctx context.Context, code string) (grant.Answer, error) {
	clientSecret, err := c.config.Secret(ctx)
	if err != nil {
		return grant.Answer{}, err
	}
	client := *c.http
	client.Transport = inJSON{c.http.Transport}
	token, err := c.oauth2(clientSecret).Exchange(context.WithValue(ctx, oauth2.HTTPClient, &client), code)
	if err != nil {
		return grant.Answer{}, refusal(err)
	}
	text := func(name string) string {
		s, _ := token.Extra(name).(string)
		return s
	}
	answer := grant.Answer{
		Pair:      grant.Pair{Access: secret.Of(token.AccessToken), Refresh: secret.Of(token.RefreshToken)},
		Workspace: grant.Workspace{ID: text("workspace_id"), Name: text("workspace_name"), BotID: text("bot_id")},
		Scope:     text("scope"), ExpiresAt: token.Expiry,
	}
	if owner := token.Extra("owner"); owner != nil {
		answer.Owner, err = json.Marshal(owner)
	}
	return answer, err
}

// Refresh returns the pair that follows the one of a refresh token, which dies. The library does this by itself when a token's time is over,
// which Notion does not tell, and would keep the new pair to itself.
//
// https://developers.notion.com/reference/refresh-a-token
func (c *Client) Refresh(ctx context.Context, refresh secret.Text) (grant.Answer, error) {
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Scope   string `json:"scope"`
		Expires int64  `json:"expires_in"` // seconds; Notion sends none yet
		Error   string `json:"error"`
	}
	body := map[string]string{"grant_type": "refresh_token", "refresh_token": refresh.Reveal()}
	if err := c.post(ctx, "/v1/oauth/token", body, &answer); err != nil {
		return grant.Answer{}, err
	}
	if answer.Access == "" {
		return grant.Answer{}, judge(http.StatusOK, answer.Error)
	}
	result := grant.Answer{Pair: grant.Pair{Access: secret.Of(answer.Access), Refresh: secret.Of(answer.Refresh)}, Scope: answer.Scope}
	if answer.Expires > 0 {
		result.ExpiresAt = c.config.Now().Add(time.Duration(answer.Expires) * time.Second)
	}
	return result, nil
}

// Introspect asks whether an access token is good.
//
// https://developers.notion.com/reference/introspect-token
func (c *Client) Introspect(ctx context.Context, access secret.Text) (grant.Introspection, error) {
	var answer struct {
		Active *bool  `json:"active"`
		Scope  string `json:"scope"`
		Issued int64  `json:"iat"`
	}
	if err := c.post(ctx, "/v1/oauth/introspect", map[string]string{"token": access.Reveal()}, &answer); err != nil {
		return grant.Introspection{}, err
	}
	if answer.Active == nil {
		return grant.Introspection{}, away(errors.New("an introspection without active"))
	}
	result := grant.Introspection{Active: *answer.Active, Scope: answer.Scope}
	if answer.Issued > 0 {
		result.IssuedAt = time.Unix(answer.Issued, 0).UTC()
	}
	return result, nil
}

// Revoke ends the connection of an access token. One that Notion does not know is no error.
//
// https://developers.notion.com/reference/revoke-token
func (c *Client) Revoke(ctx context.Context, access secret.Text) error {
	return c.post(ctx, "/v1/oauth/revoke", map[string]string{"token": access.Reveal()}, &struct{}{})
}

// post calls one of the endpoints that the library does not have or does not fit.
func (c *Client) post(ctx context.Context, path string, fields map[string]string, into any) error {
	clientSecret, err := c.config.Secret(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.config.BaseURL+path, bytes.NewReader(body))
	if err != nil {
		return away(err)
	}
	request.SetBasicAuth(url.QueryEscape(c.config.ID), url.QueryEscape(clientSecret.Reveal()))
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
		return judge(answer.StatusCode, codeOf(content))
	}
	if err := json.Unmarshal(content, into); err != nil {
		return away(errors.New("no JSON")) // which its error would repeat
	}
	return nil
}
