// Package safehttp sends requests to addresses that users give. It reaches the public internet and nothing else: what an address
// resolves to is looked at when it is dialled, so that a name which is harmless today and private tomorrow is refused tomorrow.
// Nothing is followed, inflated or waited for without an end.
package safehttp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

const (
	limit       = 15 * time.Second // for a request in all, its answer's body included
	lookupLimit = 2 * time.Second  // for a look at what a name resolves to
	keptAnswer  = 20_000           // bytes of an answer that are read and kept
)

// Config says what a client may reach.
type Config struct {
	// Loopback opens this machine's own addresses, over plain HTTP too and on any port: to develop against, never deployed.
	Loopback bool
	// Resolver looks names up; nil is the machine's.
	Resolver *net.Resolver
	// Roots are certificates to trust; nil is the machine's. For tests.
	TLS *tls.Config
	Now func() time.Time
}

// Client sends requests. It is safe for concurrent use.
type Client struct {
	local    bool
	resolver *net.Resolver
	guardian *ssrf.Guardian
	http     *http.Client
	now      func() time.Time
}

// Answer is what came back.
type Answer struct {
	Reached    bool // there was a connection, TLS included, whatever came of the request
	StatusCode int
	RetryAfter time.Duration // 0: none was asked for
	Body       string        // its beginning, fit to be stored as text
}

// New makes a client.
func New(cfg Config) *Client {
	c := &Client{local: cfg.Loopback, resolver: cfg.Resolver, guardian: ssrf.New(ssrf.WithAnyPort()), now: cfg.Now}
	if c.resolver == nil {
		c.resolver = net.DefaultResolver
	}
	if c.now == nil {
		c.now = time.Now
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: c.control, Resolver: c.resolver}
	c.http = &http.Client{
		Timeout: limit,
		// A redirection would lead past what was checked. It is an answer like any other, and no success.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  nil, // which would look names up for us
			DialContext:            dialer.DialContext,
			TLSClientConfig:        cfg.TLS,
			TLSHandshakeTimeout:    5 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			DisableCompression:     true, // what comes compressed stays so: 51 kB can inflate to 53 MB
			MaxIdleConns:           50,
			MaxIdleConnsPerHost:    10,
			IdleConnTimeout:        30 * time.Second,
		},
	}
	return c
}

// control is asked about every connection before it is made, with the address that the name was resolved to.
func (c *Client) control(network, address string, conn syscall.RawConn) error {
	end, err := netip.ParseAddrPort(address)
	if err == nil && c.local && end.Addr().Unmap().IsLoopback() {
		return nil
	}
	if err == nil && end.Port() != 443 {
		return ssrf.ErrProhibitedPort
	}
	return c.guardian.Safe(network, address, conn)
}

// allowed says whether an IP address may be reached; fault.Invalid when it may not.
func (c *Client) allowed(ip netip.Addr) error {
	network := "tcp6"
	if ip.Is4() {
		network = "tcp4"
	}
	if err := c.control(network, netip.AddrPortFrom(ip, 443).String(), nil); err != nil {
		return fault.New(fault.Invalid, "The address cannot be used: it is none of the public internet.")
	}
	return nil
}

// Check says whether an address may be given: fault.Invalid, with why, when it may not. A name that resolves to nothing now is let
// through; what it resolves to later is looked at then.
func (c *Client) Check(ctx context.Context, address string) error {
	u, err := c.parse(address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, lookupLimit)
	defer cancel()
	ips, err := c.resolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return nil // a name that is not there yet can harm nobody
	}
	for _, ip := range ips {
		if err := c.allowed(ip.Unmap()); err != nil {
			return err
		}
	}
	return nil
}

// Post sends a body. An answer of any status is no error; the error says, in words that may be shown, why there was none.
func (c *Client) Post(ctx context.Context, address string, header map[string]string, body []byte) (Answer, error) {
	u, err := c.parse(address)
	if err != nil {
		return Answer{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return Answer{}, plain(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "ACT-Integration-Webhooks/1")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	var reached atomic.Bool // a request that ended early may still be dialling
	response, err := c.http.Do(r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { reached.Store(true) },
	})))
	if err != nil {
		return Answer{Reached: reached.Load()}, plain(err)
	}
	defer response.Body.Close()
	answer := Answer{Reached: true, StatusCode: response.StatusCode, RetryAfter: c.rest(response.Header.Get("Retry-After"))}
	data, err := io.ReadAll(io.LimitReader(response.Body, keptAnswer))
	answer.Body = text(data)
	if err != nil { // it hung, or was cut short: nobody knows whether it was meant
		return Answer{Reached: true, Body: answer.Body}, brokenOff(response.StatusCode, err)
	}
	return answer, nil
}

// Close closes connections that are kept.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// rest reads Retry-After, seconds or a date.
func (c *Client) rest(value string) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(c.now()))
	}
	return 0
}

// text returns bytes as Postgres takes them.
func text(data []byte) string {
	return strings.ReplaceAll(strings.ToValidUTF8(string(data), "\uFFFD"), "\x00", "\uFFFD")
}

// brokenOff says that an answer began, and did not end.
func brokenOff(status int, err error) error {
	why := "the connection broke"
	if network, isNetwork := errors.AsType[net.Error](err); errors.Is(err, context.DeadlineExceeded) || isNetwork && network.Timeout() {
		why = "no whole answer came in time"
	}
	return fault.Wrap(err, fault.Unavailable, "The endpoint answered with %d, and its answer broke off: %s.", status, why)
}

// plain says why there was no answer, without the address: its query may hold a secret.
func plain(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	why := "the connection broke"
	_, badCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknownName := errors.AsType[*net.DNSError](err)
	network, isNetwork := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedPort), errors.Is(err, ssrf.ErrProhibitedNetwork), errors.Is(err, ssrf.ErrInvalidHostPort):
		return fault.Wrap(err, fault.Invalid, "The address leads to none of the public internet.")
	case errors.Is(err, context.DeadlineExceeded), isNetwork && network.Timeout():
		why = "no whole answer came in time"
	case unknownName:
		why = "its name cannot be resolved"
	case badCertificate:
		why = "its certificate is not trusted"
	case errors.Is(err, syscall.ECONNREFUSED):
		why = "the connection was refused"
	}
	return fault.Wrap(err, fault.Unavailable, "The endpoint did not answer: %s.", why)
}
