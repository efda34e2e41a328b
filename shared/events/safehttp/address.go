package safehttp

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// maxAddress is how long an address may be.
const maxAddress = 2048

// privateNames end the names of hosts that no public name server knows.
var privateNames = []string{".localhost", ".local", ".internal", ".intranet", ".lan", ".home", ".corp", ".home.arpa", ".localdomain"} //nolint:gochecknoglobals // a constant list

// parse reads an address and says what is wrong with how it is written. The message never repeats the address, which may hold a
// secret.
func (c *Client) parse(address string) (*url.URL, error) {
	refuse := func(why string) (*url.URL, error) {
		return nil, fault.New(fault.Invalid, "The address cannot be used: %s.", why)
	}
	if len(address) > maxAddress {
		return refuse("it is longer than " + strconv.Itoa(maxAddress) + " characters")
	}
	for _, r := range address {
		if r <= ' ' || r == '\\' || r > '~' {
			return refuse("it holds spaces, backslashes or letters that must be escaped")
		}
	}
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" || u.Hostname() == "" {
		return refuse("it is not an address such as https://example.com/webhook")
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	local := c.local && loopback(host)
	switch {
	case u.User != nil:
		return refuse("it holds a user name or password; the signature says who is calling")
	case strings.Contains(address, "#"):
		return refuse("it holds a fragment, which is never sent")
	case u.Scheme != "https" && (u.Scheme != "http" || !local):
		return refuse("it must begin with https://")
	case u.Port() != "" && u.Port() != "443" && !local:
		return refuse("its port must be 443")
	case strings.HasSuffix(u.Host, ":"):
		return refuse("its port is empty")
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" {
			return refuse("it names a network zone")
		}
		if err := c.allowed(ip); err != nil {
			return nil, err
		}
		return u, nil
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	switch {
	case local:
		return u, nil
	case numeric(last):
		return refuse("its host is a number that is no plain IP address")
	case !strings.Contains(host, "."):
		return refuse("its host is no public name")
	}
	for _, suffix := range privateNames {
		if strings.HasSuffix(host, suffix) {
			return refuse("its host is no public name")
		}
	}
	return u, nil
}

// loopback reports whether a host is this machine by its name or number.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// numeric reports whether resolvers may take a label for a number: decimal, octal or hexadecimal.
func numeric(label string) bool {
	_, err := strconv.ParseUint(label, 0, 64)
	_, errDecimal := strconv.ParseUint(label, 10, 64)
	return err == nil || errDecimal == nil || strings.HasPrefix(label, "0x") || label == ""
}
