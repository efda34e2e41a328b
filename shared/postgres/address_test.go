package postgres_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/secret"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ address, authority, want string }{
		"this machine":               {"postgres://u:p@127.0.0.1:5432/d", "", "postgres://u:p@127.0.0.1:5432/d"},
		"this machine by name":       {"postgres://u:p@localhost/d", "", "postgres://u:p@localhost/d"},
		"another machine":            {"postgres://u:p@db.example.org/d", "", "postgres://u:p@db.example.org/d?sslmode=require"},
		"another, in the other form": {"host=db.example.org user=u", "", "host=db.example.org user=u sslmode='require'"},
		"as it says":                 {"postgres://u:p@db.example.org/d?sslmode=disable", "", "postgres://u:p@db.example.org/d?sslmode=disable"},
		"an authority":               {"postgres://u:p@db.example.org/d?sslmode=disable", "/tmp/ca.pem", "postgres://u:p@db.example.org/d?sslmode=verify-full&sslrootcert=%2Ftmp%2Fca.pem"},
		"one, in the other form":     {"host=db.example.org", "/tmp/c'a", `host=db.example.org sslmode='verify-full' sslrootcert='/tmp/c\'a'`},
	} {
		if got, err := postgres.Address(secret.Of(c.address), c.authority); err != nil || got.Reveal() != c.want {
			t.Errorf("%s: %s, %v", name, got.Reveal(), err)
		}
	}
	if _, err := postgres.Address(secret.Of("postgres://u:secret@x:y/"), ""); fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}

// TestAuthority: with an authority, only a server that shows a certificate of it, for its own name, gets the password.
func TestAuthority(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t), newAuthority(t)
	for name, c := range map[string]struct {
		server    *tls.Certificate
		authority string
		reached   bool
	}{
		"a certificate of the authority":   {ours.sign(t, "127.0.0.1"), ours.path, true},
		"a certificate of another":         {theirs.sign(t, "127.0.0.1"), ours.path, false},
		"a certificate for another server": {ours.sign(t, "127.0.0.2"), ours.path, false},
		"no certificate":                   {nil, ours.path, false},
		"an authority that is no file":     {ours.sign(t, "127.0.0.1"), "/no/such.pem", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port, reached := serverWith(t, c.server)
			address, err := postgres.Address(secret.Of("postgres://u:password@127.0.0.1:"+port+"/d"), c.authority)
			if err == nil {
				var connection *pgx.Conn
				if connection, err = pgx.Connect(t.Context(), address.Reveal()); err == nil {
					connection.Close(context.Background())
				}
			}
			if err == nil {
				t.Error("a server that is none was taken for one")
			}
			if got := <-reached; got != c.reached {
				t.Errorf("the server was told who connects: %v", got)
			}
		})
	}
}

// serverWith is as much of a server as sees a start-up message. Its channel tells whether it saw one.
func serverWith(t *testing.T, certificate *tls.Certificate) (port string, reached <-chan bool) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan bool, 1)
	t.Cleanup(func() { listener.Close() })
	go func() {
		seen := false
		defer func() { told <- seen }()
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		if _, err := pgproto3.NewBackend(connection, connection).ReceiveStartupMessage(); err != nil { // asks for TLS
			return
		}
		if certificate == nil {
			_, _ = connection.Write([]byte("N"))
			_, err = connection.Read(make([]byte, 1))
			seen = err == nil
			return
		}
		_, _ = connection.Write([]byte("S"))
		secured := tls.Server(connection, &tls.Config{Certificates: []tls.Certificate{*certificate}})
		message, err := pgproto3.NewBackend(secured, secured).ReceiveStartupMessage()
		_, seen = message.(*pgproto3.StartupMessage)
		seen = seen && err == nil
	}()
	_, port, err = net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(5*time.Second, func() { listener.Close() }) // where nobody connects
	return port, told
}

type authority struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate
	path        string
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "An authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	a := authority{key: key, certificate: form, path: filepath.Join(t.TempDir(), "ca.pem")}
	if err := os.WriteFile(a.path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a authority) sign(t *testing.T, ip string) *tls.Certificate {
	t.Helper()
	form := &x509.Certificate{SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.ParseIP(ip)}}
	der, err := x509.CreateCertificate(rand.Reader, form, a.certificate, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
}
