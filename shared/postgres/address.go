package postgres

import (
	"net"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

// Address returns a database's address with how the connection is secured settled. With authority, the path of a PEM file, the server has
// to show a certificate for its name that this authority signed. Without, what address says about TLS stands, and when it says nothing
// the connection to another machine has to be encrypted. The error is fault.Unavailable: the address cannot be read (and is not repeated,
// for it holds a password).
//
// https://supabase.com/docs/guides/platform/ssl-enforcement
func Address(address secret.Text, authority string) (secret.Text, error) {
	cfg, err := pgx.ParseConfig(address.Reveal())
	if err != nil {
		return secret.Text{}, unreadable()
	}
	switch {
	case authority != "":
		return with(address, map[string]string{"sslmode": "verify-full", "sslrootcert": authority})
	case strings.Contains(address.Reveal(), "sslmode=") || local(cfg.Host):
		return address, nil
	default:
		return with(address, map[string]string{"sslmode": "require"})
	}
}

// local reports whether a host is this machine: what it sends, nobody on the way sees.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasPrefix(host, "/") || ip != nil && ip.IsLoopback()
}

// with returns an address, in either of its forms, with settings set.
func with(secured secret.Text, settings map[string]string) (secret.Text, error) {
	address := secured.Reveal()
	if !strings.HasPrefix(address, "postgres://") && !strings.HasPrefix(address, "postgresql://") {
		words := []string{address}
		for _, name := range []string{"sslmode", "sslrootcert"} {
			if value, ok := settings[name]; ok {
				words = append(words, name+"='"+strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value)+"'")
			}
		}
		return secret.Of(strings.Join(words, " ")), nil // of two, the last counts
	}
	u, err := url.Parse(address)
	if err != nil {
		return secret.Text{}, unreadable()
	}
	query := u.Query()
	for name, value := range settings {
		query.Set(name, value)
	}
	u.RawQuery = query.Encode()
	return secret.Of(u.String()), nil
}

func unreadable() error {
	return fault.New(fault.Unavailable, "DATABASE_URL cannot be read. It looks like postgres://user:password@host:5432/database.")
}
