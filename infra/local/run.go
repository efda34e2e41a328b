package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sync/errgroup"

	"github.com/act-platform/enhanced-integration/infra/local/console"
	"github.com/act-platform/enhanced-integration/infra/local/gateway"
)

// system is a running system: what it is made of, and how that is stopped.
type system struct {
	settings settings
	folder   folder
	console  *console.Console
	log      *slog.Logger

	mu    sync.Mutex
	stops []func()
}

// onStop has stop called when the system stops: the last one first.
func (s *system) onStop(stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stops = append(s.stops, stop)
}

func (s *system) stop() {
	for i := len(s.stops) - 1; i >= 0; i-- {
		s.stops[i]()
	}
}

// run runs the system until ctx ends. When now ends too, what is under way is not waited for.
func run(ctx, now context.Context, settings settings, stdout io.Writer) error {
	if err := os.MkdirAll(settings.state, 0o755); err != nil { //nolint:gosec // the database's user goes through; secrets inside are closed
		return fmt.Errorf("the folder %s, which keeps the system's data, cannot be made: %w. Make the project's folder writable, or copy the project to a folder of yours", settings.state, cause(err))
	}
	lock, err := lockState(settings)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	c := console.New(console.Config{Writer: stdout, JSON: settings.values["LOG_FORMAT"] == "json", Colour: coloured(stdout, settings), Now: time.Now})
	s := &system{settings: settings, console: c, log: c.Logger()}
	defer s.stop()
	for _, warning := range settings.warnings {
		s.log.WarnContext(ctx, warning)
	}
	if s.folder, err = settings.ownFolder(ctx); err != nil {
		return explainFull(err, settings.state)
	}
	ended, err := s.start(ctx, now)
	if err != nil {
		if ctx.Err() != nil {
			return nil // stopped before it was up
		}
		return explainFull(err, settings.state)
	}
	select {
	case <-ctx.Done():
		s.log.InfoContext(ctx, "stopping")
		return nil
	case err := <-ended:
		return err
	}
}

// lockState makes the state this process's alone.
func lockState(settings settings) (*flock.Flock, error) {
	lock := flock.New(settings.kept(lockFile))
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("%s, which keeps the system's data, cannot be written: %w. Make the folder writable for your user", settings.state, cause(err))
	}
	if !held {
		return nil, errors.New("the system is running in this folder already. Stop it first, with Ctrl-C in its terminal")
	}
	return lock, nil
}

// explainFull says of a disk that is full that it is, and which.
func explainFull(err error, state string) error {
	text := err.Error()
	if !errors.Is(err, syscall.ENOSPC) && !strings.Contains(text, syscall.ENOSPC.Error()) && !strings.Contains(text, "No space left on device") {
		return err
	}
	free := ""
	var disk syscall.Statfs_t
	if syscall.Statfs(state, &disk) == nil {
		free = fmt.Sprintf(" %s has %s free.", state, megabytes(int64(disk.Bavail)*int64(disk.Bsize))) //nolint:unconvert // differs between systems
	}
	return fmt.Errorf("the disk is full.%s The system needs about 1 GB there and as much in Go's build cache (go clean -cache empties it). What failed: %w", free, err)
}

func coloured(w io.Writer, settings settings) bool {
	file, ok := w.(*os.File)
	return ok && settings.values["NO_COLOR"] == "" && isTerminal(file)
}

// isTerminal reports whether a person may be at the other end of a file.
func isTerminal(file *os.File) bool {
	if file == nil {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && file.Name() != os.DevNull && !isNull(info)
}

// isNull reports whether a file is /dev/null, which is a character device as well.
func isNull(info os.FileInfo) bool {
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(info, null)
}

// start brings everything up and says so. The channel that it gives tells of a server that could not go on.
func (s *system) start(ctx, now context.Context) (<-chan error, error) {
	if err := os.Remove(s.settings.kept(envFile)); err != nil && !errors.Is(err, os.ErrNotExist) { // of a run that was killed
		return nil, err
	}
	if err := s.reach(ctx); err != nil {
		return nil, err
	}
	api, err := s.listen(ctx, s.settings.ports.api, "PORT")
	if err != nil {
		return nil, err
	}
	aws, err := s.listen(ctx, s.settings.ports.cloud, "CLOUD_PORT")
	if err != nil {
		return nil, err
	}
	ended := make(chan error, 3)
	v, err := s.startNotion(ctx, "http://"+api.Addr().String(), ended)
	if err != nil {
		return nil, err
	}
	v.cloudURL = "http://" + aws.Addr().String()
	tpl, err := s.readTemplate(v)
	if err != nil {
		return nil, err
	}
	if err := s.startCloud(aws, v.cloudURL, ended); err != nil {
		return nil, err
	}
	together, both := errgroup.WithContext(ctx)
	together.Go(func() error { return s.build(both, tpl.Functions) })
	together.Go(func() (err error) {
		v.databaseURL, err = s.startDatabase(both)
		return err
	})
	if err := together.Wait(); err != nil {
		return nil, err
	}
	if v.apiKey, err = ensureKey(ctx, v.databaseURL, s.settings.kept(keyFile), "local-"+s.folder.ID); err != nil {
		return nil, err
	}
	provision := newProvision(v.cloudURL)
	if err := provision.apply(ctx, tpl, s.secrets(v)); err != nil {
		return nil, err
	}
	if err := s.startFunctions(ctx, now, tpl, v.cloudURL, provision, api, ended); err != nil {
		return nil, err
	}
	s.startRealtime(ctx, v)
	return ended, s.announce(v)
}

// listen takes a port of the loopback address until the system stops.
func (s *system) listen(ctx context.Context, port int, variable string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d of %s is taken by %s. Stop that, or set %s to another port", port, s.settings.where(variable), cmp.Or(portHolder(port), "another program"), variable)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("port %d of %s is reserved for root. Set %s to a port from 1024 to 65535", port, s.settings.where(variable), variable)
	}
	if err != nil {
		return nil, err
	}
	s.onStop(func() { _ = listener.Close() }) // closed by its server, where it has one
	return listener, nil
}

// serve serves handler until the system stops.
func (s *system) serve(listener net.Listener, handler http.Handler, ended chan<- error) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: gateway.MaxHeaderBytes}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			ended <- err
		}
	})
	s.onStop(func() {
		_ = server.Close()
		serving.Wait()
	})
}

func (s *system) report(what string, err error) {
	if err != nil {
		s.log.Warn(what, "error", err)
	}
}
