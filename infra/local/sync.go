package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/act-platform/enhanced-integration/shared/sync/journal"
)

const (
	apiPath = "/api/enhanced-integration"
	// pollEvery is how often the status is asked for while a sync is shown.
	pollEvery = 500 * time.Millisecond
)

// syncNow starts a full sync of the running system, of those databases or of all, or joins the one under way, and shows how far it is
// until it ends.
func syncNow(ctx context.Context, settings settings, databases []string, stdout io.Writer) error {
	api, err := runningAPI(settings)
	if err != nil {
		return err
	}
	id, err := api.trigger(ctx, databases)
	if err != nil {
		return err
	}
	var show display = &lines{out: stdout}
	if coloured(stdout, settings) {
		show = newBars(stdout)
	}
	ended, err := api.watch(ctx, id, show)
	show.end()
	if err != nil {
		return err
	}
	if err := report(stdout, ended); err != nil {
		return err
	}
	return api.waiting(ctx, stdout)
}

// api is the running system's.
type api struct {
	url, key string
	client   http.Client
}

func runningAPI(settings settings) (*api, error) {
	variables, err := settings.announced()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("the system is not running. Start it with make run, in another terminal")
	}
	return &api{url: variables["API_URL"] + apiPath, key: variables["API_KEY"], client: http.Client{Timeout: 30 * time.Second}}, err
}

// call sends a request and reads the answer, whatever its status.
func (a *api) call(ctx context.Context, method, path string, body, into any) (int, error) {
	content, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, method, a.url+path, bytes.NewReader(content))
	if err != nil {
		return 0, err
	}
	request.Header.Set("X-API-Key", a.key)
	answer, err := a.client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("the system does not answer at %s: %s", a.url, lastCause(err))
	}
	defer func() { _ = answer.Body.Close() }()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		return 0, fmt.Errorf("%s answered %d without JSON: %w", path, answer.StatusCode, err)
	}
	return answer.StatusCode, nil
}

// trigger returns the id of the sync.
func (a *api) trigger(ctx context.Context, databases []string) (string, error) {
	var answer struct {
		SyncID  string `json:"sync_id"`
		Message string `json:"message"`
	}
	status, err := a.call(ctx, http.MethodPost, "/sync/trigger", map[string]any{"type": journal.Full, "databases": databases}, &answer)
	if err != nil {
		return "", err
	}
	if answer.SyncID == "" {
		return "", fmt.Errorf("the sync was not started: %d, %s", status, answer.Message)
	}
	return answer.SyncID, nil
}

// progress is how far the sync of a database is.
type progress struct {
	Status      string         `json:"status"`
	Done        int            `json:"done"`
	Expected    int            `json:"expected"`
	PerSecond   float64        `json:"per_second"`
	SecondsLeft float64        `json:"seconds_left"`
	Counts      journal.Counts `json:"counts"`
}

func (p progress) over() bool { return p.Status == "succeeded" || p.Status == "failed" }

// ending is the data of the event that ends a sync.
type ending struct {
	SyncID    string `json:"sync_id"`
	Databases map[string]struct {
		Error  string         `json:"error"`
		Counts journal.Counts `json:"counts"`
	} `json:"databases"`
}

// watch shows how far the sync is until the event of its end is there.
func (a *api) watch(ctx context.Context, id string, show display) (ending, error) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		databases, running, err := a.progress(ctx, id)
		if err != nil {
			return ending{}, err
		}
		for _, kind := range slices.Sorted(maps.Keys(databases)) {
			show.show(kind, databases[kind])
		}
		if !running {
			return a.ending(ctx, id)
		}
		select {
		case <-ctx.Done():
			return ending{}, errors.New("no longer watching. The sync continues")
		case <-tick.C:
		}
	}
}

func (a *api) progress(ctx context.Context, id string) (databases map[string]progress, running bool, err error) {
	var answer struct {
		Statistics struct {
			Status struct {
				Progress []struct {
					SyncID    string              `json:"sync_id"`
					Databases map[string]progress `json:"databases"`
				} `json:"progress"`
			} `json:"status"`
		} `json:"sync_statistics"`
		Message string `json:"message"`
	}
	status, err := a.call(ctx, http.MethodGet, "/sync/status", nil, &answer)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the status cannot be read: %d, %s", status, answer.Message)
	}
	for _, run := range answer.Statistics.Status.Progress {
		if run.SyncID == id {
			return run.Databases, true, err
		}
	}
	return nil, false, err
}

func (a *api) ending(ctx context.Context, id string) (ending, error) {
	var answer struct {
		Events []struct {
			Data ending `json:"data"`
		} `json:"events"`
	}
	if _, err := a.call(ctx, http.MethodGet, "/events?event_type=sync_completed,sync_failed&limit=50", nil, &answer); err != nil {
		return ending{}, err
	}
	for _, e := range answer.Events {
		if e.Data.SyncID == id {
			return e.Data, nil
		}
	}
	return ending{}, errors.New("the sync has ended, and there is no event with its result")
}

// waiting tells of the deletions that a person has to decide on.
func (a *api) waiting(ctx context.Context, out io.Writer) error {
	var answer struct {
		Holds []struct {
			ID       string `json:"id"`
			Database string `json:"database"`
			Side     string `json:"side"`
			Records  int    `json:"records"`
		} `json:"holds"`
		Message string `json:"message"`
	}
	status, err := a.call(ctx, http.MethodGet, "/sync/held", nil, &answer)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the held deletions cannot be read: %d, %s", status, answer.Message)
	}
	if err != nil {
		return err
	}
	for _, h := range answer.Holds {
		if _, err := fmt.Fprintf(out, "%-14s %d deletions in %s wait for a decision: on the dashboard, or at /sync/held/%s\n", h.Database, h.Records, h.Side, h.ID); err != nil {
			return err
		}
	}
	return nil
}

// report tells what the sync did. The error says that a database's failed.
func report(out io.Writer, e ending) error {
	var failed error
	for _, kind := range slices.Sorted(maps.Keys(e.Databases)) {
		d := e.Databases[kind]
		c := d.Counts
		if _, err := fmt.Fprintf(out, "%-14s %d read; rows: %d new, %d changed, %d archived; pages: %d new, %d changed, %d archived; %d conflicts, %d errors\n",
			kind, c.Read, c.RowsCreated, c.RowsUpdated, c.RowsArchived, c.PagesCreated, c.PagesUpdated, c.PagesArchived, c.Conflicts, c.Errors); err != nil {
			return err
		}
		if d.Error != "" {
			failed = errors.Join(failed, fmt.Errorf("%s: %s", kind, d.Error))
		}
	}
	return failed
}

// display shows how far databases are.
type display interface {
	show(kind string, p progress)
	end()
}

// lines is a display of plain text: a line a database whenever it has come a good deal further.
type lines struct {
	out  io.Writer
	told map[string]progress
}

func (l *lines) show(kind string, p progress) {
	if l.told == nil {
		l.told = map[string]progress{}
	}
	last, known := l.told[kind]
	if known && p.Status == last.Status && p.Done < last.Done+1000 {
		return
	}
	l.told[kind] = p
	of := ""
	if p.Expected > 0 {
		of = fmt.Sprintf(" of about %d", p.Expected)
	}
	rate := ""
	if p.PerSecond >= 1 {
		rate = fmt.Sprintf(", %.0f a second", p.PerSecond)
	}
	_, _ = fmt.Fprintf(l.out, "%-14s %-9s %d%s records%s\n", kind, p.Status, p.Done, of, rate)
}

func (*lines) end() {}

// bars is a display for a terminal: a bar a database.
type bars struct {
	all  *mpb.Progress
	bars map[string]*bar
}

type bar struct {
	*mpb.Bar
	last atomic.Pointer[progress]
}

func newBars(out io.Writer) *bars {
	return &bars{mpb.New(mpb.WithOutput(out), mpb.WithWidth(40)), map[string]*bar{}}
}

func (b *bars) show(kind string, p progress) {
	shown := b.bars[kind]
	if shown == nil {
		shown = &bar{}
		shown.last.Store(&p)
		b.bars[kind] = shown
		shown.Bar = b.all.AddBar(0, mpb.PrependDecorators(decor.Name(fmt.Sprintf("%-14s", kind))), mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			return shown.last.Load().String()
		})))
	}
	shown.last.Store(&p)
	if p.over() {
		p.Expected = max(p.Done, 1)
	}
	if p.Expected > 0 { // else nobody knows, and the bar stays empty
		shown.SetTotal(int64(p.Expected), p.over())
		shown.SetCurrent(int64(p.Done))
	}
}

// String is what stands behind the bar.
func (p progress) String() string {
	text := fmt.Sprintf(" %d", p.Done)
	if p.Expected > p.Done {
		text += fmt.Sprintf("/%d", p.Expected)
	}
	if p.PerSecond > 0 {
		text += fmt.Sprintf("  %.0f/s", p.PerSecond)
	}
	if p.SecondsLeft > 0 {
		text += fmt.Sprintf("  %s left", time.Duration(p.SecondsLeft)*time.Second)
	}
	return text + "  " + p.Status
}

func (b *bars) end() {
	for _, shown := range b.bars {
		shown.SetTotal(-1, true)
	}
	b.all.Wait()
}
