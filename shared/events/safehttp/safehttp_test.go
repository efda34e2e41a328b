package safehttp_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/act-platform/enhanced-integration/infra/local/receiver"
	"github.com/act-platform/enhanced-integration/shared/events/safehttp"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// names is a name server of the test's own, whose answers change.
type names struct {
	conn net.PacketConn
	mu   sync.Mutex
	ips  map[string][]netip.Addr
}

func serveNames(t *testing.T) *names {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &names{conn: conn, ips: map[string][]netip.Addr{}}
	var serving sync.WaitGroup
	serving.Go(n.serve)
	t.Cleanup(func() { conn.Close(); serving.Wait() })
	return n
}

func (n *names) set(name string, ips ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ips[name+"."] = nil
	for _, ip := range ips {
		n.ips[name+"."] = append(n.ips[name+"."], netip.MustParseAddr(ip))
	}
}

func (n *names) serve() {
	buffer := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buffer[:size]) != nil {
			continue
		}
		n.mu.Lock()
		q := m.Questions[0]
		m.Response, m.Additionals = true, nil
		for _, ip := range n.ips[q.Name.String()] {
			h := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 0}
			switch {
			case ip.Is4() && q.Type == dnsmessage.TypeA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: ip.As4()}})
			case ip.Is6() && q.Type == dnsmessage.TypeAAAA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}})
			}
		}
		n.mu.Unlock()
		if packed, err := m.Pack(); err == nil {
			_, _ = n.conn.WriteTo(packed, from)
		}
	}
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", n.conn.LocalAddr().String())
	}}
}

func bad() map[string]string {
	return map[string]string{
		"plain HTTP":               "http://example.com/",
		"another scheme":           "ftp://example.com/",
		"a file":                   "file:///etc/passwd",
		"javascript":               "javascript:alert(1)",
		"gopher":                   "gopher://example.com:70/_",
		"no scheme":                "example.com/webhook",
		"a network path":           "//example.com/",
		"a backslash":              `https://example.com\@10.0.0.1/`,
		"user info":                "https://user:hidden@example.com/",
		"a user":                   "https://hidden@example.com/",
		"a fragment":               "https://example.com/#x",
		"an empty fragment":        "https://example.com/#",
		"an odd port":              "https://example.com:8443/",
		"port 22":                  "https://example.com:22/",
		"port 80":                  "https://example.com:80/",
		"an empty port":            "https://example.com:/",
		"port 443 twice":           "https://example.com:443:443/",
		"no host":                  "https:///x",
		"only a port":              "https://:443/",
		"localhost":                "https://localhost/",
		"localhost with a dot":     "https://localhost./",
		"LOCALHOST":                "https://LOCALHOST/",
		"beneath localhost":        "https://me.localhost/",
		"a single label":           "https://intranet/",
		"internal":                 "https://metadata.google.internal/computeMetadata/v1/",
		"local":                    "https://printer.local/",
		"loopback":                 "https://127.0.0.1/",
		"loopback elsewhere":       "https://127.8.9.10/",
		"this host":                "https://0.0.0.0/",
		"metadata":                 "https://169.254.169.254/latest/meta-data/",
		"Alibaba's metadata":       "https://100.100.100.200/",
		"private 10":               "https://10.1.2.3/",
		"private 172":              "https://172.16.0.1/",
		"private 192":              "https://192.168.1.1/",
		"carrier-grade NAT":        "https://100.64.0.1/",
		"benchmarking":             "https://198.18.0.1/",
		"documentation":            "https://203.0.113.7/",
		"multicast":                "https://224.0.0.1/",
		"broadcast":                "https://255.255.255.255/",
		"decimal":                  "https://2130706433/",
		"octal":                    "https://0177.0.0.1/",
		"octal in one":             "https://017700000001/",
		"hexadecimal":              "https://0x7f000001/",
		"hexadecimal in parts":     "https://0x7f.0.0.1/",
		"a short form":             "https://127.1/",
		"a hexadecimal end":        "https://1.2.3.0x4/",
		"IPv6 loopback":            "https://[::1]/",
		"IPv6 unspecified":         "https://[::]/",
		"IPv4-mapped loopback":     "https://[::ffff:127.0.0.1]/",
		"IPv4-mapped, hexadecimal": "https://[::ffff:7f00:1]/",
		"IPv4-mapped, public":      "https://[::ffff:93.184.216.34]/",
		"IPv4-compatible":          "https://[::127.0.0.1]/",
		"NAT64":                    "https://[64:ff9b::7f00:1]/",
		"NAT64, local use":         "https://[64:ff9b:1::7f00:1]/",
		"6to4":                     "https://[2002:7f00:1::]/",
		"Teredo":                   "https://[2001::1]/",
		"link-local":               "https://[fe80::1]/",
		"a zone":                   "https://[fe80::1%25eth0]/",
		"unique local":             "https://[fd00:ec2::254]/",
		"IPv6 documentation":       "https://[2001:db8::1]/",
		"more documentation":       "https://[3fff::1]/",
		"IPv6 multicast":           "https://[ff02::1]/",
		"a space":                  "https://example.com/a b",
		"a line break":             "https://example.com/\r\nX-Evil: 1",
		"a NUL":                    "https://example.com/\x00",
		"letters that look alike":  "https://ⓔxample.com/",
		"full-width dots":          "https://127。0。0。1/",
		"an escaped host":          "https://%31%32%37.0.0.1/",
		"too long":                 "https://example.com/" + strings.Repeat("x", 2048),
		"empty":                    "",
	}
}

// TestBadAddressesAreRefused: when they are given, and again when something is sent there.
func TestBadAddressesAreRefused(t *testing.T) {
	t.Parallel()
	client := safehttp.New(safehttp.Config{Resolver: serveNames(t).resolver()})
	for name, address := range bad() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, sent := client.Post(t.Context(), address, nil, nil)
			for _, err := range []error{client.Check(t.Context(), address), sent} {
				if fault.KindOf(err) != fault.Invalid || strings.Contains(fault.Message(err), "hidden") {
					t.Errorf("%v", err)
				}
			}
		})
	}
}

func TestGoodAddresses(t *testing.T) {
	t.Parallel()
	server := serveNames(t)
	server.set("example.com", "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946")
	client := safehttp.New(safehttp.Config{Resolver: server.resolver()})
	for _, address := range []string{
		"https://example.com", "https://example.com:443/hook?token=x", "https://EXAMPLE.com./", "https://93.184.216.34/",
		"https://[2606:2800:220:1:248:1893:25c8:1946]/x", "https://not-there-yet.example.com/",
	} {
		if err := client.Check(t.Context(), address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestNamesThatLeadInside: a name that resolves privately is refused when it is given, one that does so later when it is dialled, and
// one private address among public ones is not taken.
func TestNamesThatLeadInside(t *testing.T) {
	t.Parallel()
	server := serveNames(t)
	client := safehttp.New(safehttp.Config{Resolver: server.resolver()})
	for _, inside := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "64:ff9b::a00:1"} {
		server.set("inside.example.com", inside)
		if err := client.Check(t.Context(), "https://inside.example.com/"); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", inside, err)
		}
	}
	server.set("mixed.example.com", "93.184.216.34", "10.0.0.1")
	if err := client.Check(t.Context(), "https://mixed.example.com/"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("one of two: %v", err)
	}
	server.set("rebinding.example.com", "93.184.216.34")
	if err := client.Check(t.Context(), "https://rebinding.example.com/"); err != nil {
		t.Fatal(err)
	}
	server.set("rebinding.example.com", "127.0.0.1")
	if _, err := client.Post(t.Context(), "https://rebinding.example.com/", nil, nil); fault.KindOf(err) != fault.Invalid {
		t.Errorf("rebound: %v", err)
	}
}

// TestLoopbackIsASetting: this machine is reached where the setting says so, and nothing else is opened by it.
func TestLoopbackIsASetting(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer server.Close()
	closed := safehttp.New(safehttp.Config{})
	if _, err := closed.Post(t.Context(), server.URL, nil, nil); fault.KindOf(err) != fault.Invalid || hits.Load() != 0 {
		t.Errorf("%v after %d requests", err, hits.Load())
	}
	open := safehttp.New(safehttp.Config{Loopback: true})
	defer open.Close()
	if err := open.Check(t.Context(), server.URL); err != nil {
		t.Error(err)
	}
	if answer, err := open.Post(t.Context(), server.URL, nil, nil); err != nil || answer.StatusCode != http.StatusOK || hits.Load() != 1 {
		t.Errorf("%+v, %v", answer, err)
	}
	for _, address := range []string{"http://10.0.0.1/", "https://10.0.0.1/", "http://example.com/", "https://169.254.169.254/", "https://192.168.0.1:8080/"} {
		if err := open.Check(t.Context(), address); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestRedirectionsAreNotFollowed: to a private address or to any other.
func TestRedirectionsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer target.Close()
	client := safehttp.New(safehttp.Config{Loopback: true})
	defer client.Close()
	for _, to := range []string{target.URL, "http://169.254.169.254/latest/meta-data/", "//evil.example.com/", `/\evil.example.com`} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", to)
				w.WriteHeader(status)
			}))
			if answer, err := client.Post(t.Context(), server.URL, nil, []byte("{}")); err != nil || answer.StatusCode != status {
				t.Errorf("%d to %s: %+v, %v", status, to, answer, err)
			}
			server.Close()
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d redirections were followed", hits.Load())
	}
}

// TestAnswersThatAreTrouble: answers that hang, never end, inflate or break off.
func TestAnswersThatAreTrouble(t *testing.T) {
	t.Parallel()
	r := receiver.New(time.Now, slog.New(slog.DiscardHandler))
	server := httptest.NewServer(r)
	client := safehttp.New(safehttp.Config{Loopback: true, Now: time.Now})
	t.Cleanup(func() {
		client.Close()
		server.CloseClientConnections()
		server.Close()
	})
	for name, c := range map[string]struct {
		manner string
		limit  time.Duration
		status int
		rest   time.Duration
		fails  string
	}{
		"well":                 {`{}`, 0, 200, 0, ""},
		"refused":              {`{"status":503,"retry_after":"7"}`, 0, 503, 7 * time.Second, ""},
		"a rest of nonsense":   {`{"status":503,"retry_after":"-7"}`, 0, 503, 0, ""},
		"a rest of for ever":   {`{"status":503,"retry_after":"99999999999999999999"}`, 0, 503, 0, ""},
		"hangs":                {`{"hang":"1h"}`, 300 * time.Millisecond, 0, 0, "no whole answer"},
		"hangs after headers":  {`{"hang_body":"1h"}`, 300 * time.Millisecond, 0, 0, "answered with 200, and its answer broke off: no whole answer"},
		"never ends":           {`{"endless":true}`, 0, 200, 0, ""},
		"inflates":             {`{"inflate":true}`, 0, 200, 0, ""},
		"closes in the middle": {`{"cut":true}`, 0, 0, 0, "answered with 200, and its answer broke off: the connection broke"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := server.URL + "/_receiver/" + strings.ReplaceAll(name, " ", "-")
			set := httptest.NewRequest(http.MethodPut, strings.TrimPrefix(address, server.URL), strings.NewReader(c.manner))
			r.ServeHTTP(httptest.NewRecorder(), set)
			ctx := t.Context()
			if c.limit > 0 {
				limited, cancel := context.WithTimeout(ctx, c.limit)
				defer cancel()
				ctx = limited
			}
			answer, err := client.Post(ctx, address, map[string]string{"webhook-id": "1"}, []byte("{}"))
			if !answer.Reached {
				t.Error("there was no connection")
			}
			if answer.StatusCode != c.status || answer.RetryAfter != c.rest || len(answer.Body) > 64<<10 {
				t.Errorf("%d after %v, %d bytes", answer.StatusCode, answer.RetryAfter, len(answer.Body))
			}
			if (err != nil) != (c.fails != "") || err != nil && (!strings.Contains(fault.Message(err), c.fails) || strings.Contains(err.Error(), "127.0.0.1:"+strconv.Itoa(server.Listener.Addr().(*net.TCPAddr).Port)+"/_")) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestErrorsTellNoAddress: the query of an address may hold a secret.
func TestErrorsTellNoAddress(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	client := safehttp.New(safehttp.Config{Loopback: true})
	answer, err := client.Post(t.Context(), server.URL+"/?token=hidden", nil, nil)
	if answer.Reached {
		t.Error("there was a connection to what is closed")
	}
	if err == nil || strings.Contains(err.Error(), "hidden") || !strings.Contains(fault.Message(err), "refused") {
		t.Errorf("%v", err)
	}
	if errors.Is(err, context.Canceled) {
		t.Error("another cause")
	}
}
