// Package pgbouncer runs PgBouncer in transaction mode before a database server, with three server connections for each database.
//
// https://www.pgbouncer.org/config.html
package pgbouncer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Pooler is a running PgBouncer.
type Pooler struct {
	server  *url.URL
	port    int
	dir     string
	process *exec.Cmd
}

// Start starts a pooler before the server at address, on a port that no pooler is known by.
func Start(ctx context.Context, address string) (*Pooler, error) {
	server, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the server's address cannot be read") // the cause would show the password
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	dir, err := os.MkdirTemp("", "pgbouncer")
	if err != nil {
		return nil, err
	}
	p := &Pooler{server: server, port: port, dir: dir}
	password, _ := server.User.Password()
	settings := fmt.Sprintf(`[databases]
* = host=%s port=%s user=%s password='%s'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 1000
server_login_retry = 1
`, server.Hostname(), server.Port(), server.User.Username(), password, port)
	if err := os.WriteFile(p.file(), []byte(settings), 0o644); err != nil { //nolint:gosec // nobody reads it, and the password is a test's
		return nil, err
	}
	return p, p.run(ctx)
}

func (p *Pooler) file() string { return filepath.Join(p.dir, "pgbouncer.ini") }

func (p *Pooler) run(ctx context.Context) error {
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer"
	}
	p.process = exec.Command(program, "-q", p.file()) //nolint:gosec,noctx // it lives until Stop
	if os.Geteuid() == 0 {                            // PgBouncer does not run as root
		if err := os.Chmod(p.dir, 0o755); err != nil { //nolint:gosec // nobody has to read it
			return err
		}
		nobody, err := user.Lookup("nobody")
		if err != nil {
			return err
		}
		id, err := strconv.ParseUint(nobody.Uid, 10, 32)
		if err != nil {
			return err
		}
		p.process.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(id), Gid: uint32(id)}}
	}
	if err := p.process.Start(); err != nil {
		return fmt.Errorf("PgBouncer cannot be started; as root on Debian, make pooler installs it: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)))
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			p.Stop()
			return fmt.Errorf("PgBouncer does not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// URL returns the address of a database behind the pooler, from its own.
func (p *Pooler) URL(direct string) string {
	address, err := url.Parse(direct)
	if err != nil {
		return direct
	}
	address.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port))
	return address.String()
}

// Restart kills the pooler with all its connections and starts it again.
func (p *Pooler) Restart(ctx context.Context) error {
	_ = p.process.Process.Kill()
	_ = p.process.Wait()
	return p.run(ctx)
}

// Stop ends it.
func (p *Pooler) Stop() {
	_ = p.process.Process.Kill()
	_ = p.process.Wait()
	_ = os.RemoveAll(p.dir)
}
