// Package console shows at a desk what the local system does: one line an invocation, and the JSON lines of functions for people to
// read; or, where a machine reads, all of it as JSON.
package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/infra/local/lambdahost"
)

// Config says how things are shown.
type Config struct {
	Writer io.Writer
	JSON   bool
	Colour bool
	Now    func() time.Time
}

// Console writes lines, whole ones whoever writes at once. It is a [lambdahost.Sink].
type Console struct {
	config Config
	mu     sync.Mutex
}

// New makes a console.
func New(config Config) *Console { return &Console{config: config} }

// Logger returns a logger of the local system itself.
func (c *Console) Logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(ownLines{c}, nil))
}

// ownLines takes what Logger writes, one line a call.
type ownLines struct{ console *Console }

func (o ownLines) Write(p []byte) (int, error) {
	o.console.Line("local", bytes.TrimSuffix(p, []byte{'\n'}))
	return len(p), nil
}

// Print writes text as it is, for people.
func (c *Console) Print(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = io.WriteString(c.config.Writer, text) // a console that is gone
}

// Line shows one line of what a function wrote.
func (c *Console) Line(function string, line []byte) {
	if c.config.JSON {
		if !json.Valid(line) {
			line = c.encode(function, slog.LevelInfo, string(line))
		}
		c.Print(string(line) + "\n")
		return
	}
	if bytes.Contains(line, []byte(`"_aws":`)) {
		return // a metric, which CloudWatch reads and nobody else
	}
	c.Print(c.format(function, line))
}

// Report shows how an invocation went.
func (c *Console) Report(r lambdahost.Report) {
	what, outcome, well := describe(r)
	if c.config.JSON {
		c.Print(string(c.encode(r.Function, level(well), "invocation", "request_id", r.RequestID, "what", what, "outcome", outcome,
			"duration_ms", milliseconds(r.Duration), "init_ms", milliseconds(r.Init))) + "\n")
		return
	}
	mark, colour := "✓", green
	if !well {
		mark, colour = "✗", red
	}
	took := fmt.Sprintf("%.0f ms", milliseconds(r.Duration))
	if r.Init > 0 {
		took += fmt.Sprintf(" + %.0f ms start", milliseconds(r.Init))
	}
	c.Print(c.head(c.config.Now(), c.paint(colour, mark+"    "), r.Function) +
		strings.TrimSpace(what+" "+c.paint(colour, outcome)) + " " + c.paint(dim, took) + "\n")
}

func level(well bool) slog.Level {
	if well {
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// encode makes a JSON line without its end.
func (c *Console) encode(function string, level slog.Level, message string, attributes ...any) []byte {
	var line bytes.Buffer
	record := slog.NewRecord(c.config.Now(), level, message, 0)
	record.Add("function", function)
	record.Add(attributes...)
	_ = slog.NewJSONHandler(&line, nil).Handle(context.Background(), record) // into a buffer
	return bytes.TrimSuffix(line.Bytes(), []byte{'\n'})
}
