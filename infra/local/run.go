package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/act-platform/enhanced-integration/infra/local/console"
	"github.com/act-platform/enhanced-integration/infra/local/filelock"
	"github.com/act-platform/enhanced-integration/infra/local/gateway"
)

// system is a running system: what it is made of, and how that is stopped.
type system struct {
	settings settings
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
		return err
	}
	lock, err := lockState(settings)
	if err != nil {
		return err
	}
	defer lock.Release()
	c := console.New(console.Config{Writer: stdout, JSON: settings.values["LOG_FORMAT"] == "json", Colour: coloured(stdout, settings), Now: time.Now})
	s := &system{settings: settings, console: c, log: c.Logger()}
	defer s.stop()
	ended, err := s.start(ctx, now)
	if err != nil {
		if ctx.Err() != nil {
			return nil // stopped before it was up
		}
		return err
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
func lockState(settings settings) (*filelock.Lock, error) {
	lock, err := filelock.Try(settings.kept(lockFile))
	if errors.Is(err, filelock.ErrHeld) {
		return nil, errors.New("the system is running in this folder already: stop it first")
	}
	return lock, err
}

func coloured(w io.Writer, settings settings) bool {
	file, ok := w.(*os.File)
	if !ok || settings.values["NO_COLOR"] != "" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// start brings everything up and says so. The channel that it gives tells of a server that could not go on.
func (s *system) start(ctx, now context.Context) (<-chan error, error) {
	if err := os.Remove(s.settings.kept(envFile)); err != nil && !errors.Is(err, os.ErrNotExist) { // of a run that was killed
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
	if v.apiKey, err = ensureKey(ctx, v.databaseURL, s.settings.kept(keyFile)); err != nil {
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
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d is taken: stop what listens there, or set %s", port, variable)
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
