package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// pair is a recorded request and its answer. A file holds a list of them:
//
//	{"sent": {"start": "2026-07-25T16:57:28Z"}, "answered": {"start": "2026-07-25T16:57:00.000+00:00", "end": null, "time_zone": null}}
//
// is a value of a date property as it was written and as a page showed it. "type" names another type of property. And
//
//	{"request": "PATCH /v1/data_sources/071b7860-69d9-4ae5-a34b-78533e48a659", "sent": {…}, "answered": {…}, "status": 200}
//
// is a whole request: its method and path, its body and the body of its answer. The status is 200 where it is left out, or what an
// error's body says. "version" is the Notion-Version, 2026-03-11 where it is left out. "before" may list requests to send first, each
// {"request": …, "sent": …}; without it, what the request is about is made to fit: a page in a data source of the properties that the
// answer shows, a data source of the properties that the request changes, and whatever else either names. "from" and "interaction" say
// where the pair was found.
type pair struct {
	Type        string          `json:"type"`
	Request     string          `json:"request"`
	Version     string          `json:"version"`
	Status      int             `json:"status"`
	Before      []step          `json:"before"`
	Sent        json.RawMessage `json:"sent"`
	Answered    json.RawMessage `json:"answered"`
	From        string          `json:"from"`
	Interaction int             `json:"interaction"`

	file  string
	place int // in the file, from 1
}

// step is a request that comes before the one of a pair.
type step struct {
	Request string          `json:"request"`
	Sent    json.RawMessage `json:"sent"`
}

// The versions of the API that are spoken, the latest where a pair names none.
const (
	latest = "2026-03-11"
	older  = "2025-09-03"
)

func readFile(path string) ([]pair, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // whoever runs the command names the folder
	if err != nil {
		return nil, err
	}
	var pairs []pair
	if err := json.Unmarshal(raw, &pairs); err != nil {
		return nil, fmt.Errorf("not a list of pairs: %w", err)
	}
	for i := range pairs {
		p := &pairs[i]
		p.file, p.place = filepath.Base(path), i+1
		if len(p.Answered) == 0 {
			return nil, fmt.Errorf("pair %d has no answer", p.place)
		}
		if err := p.complete(); err != nil {
			return nil, fmt.Errorf("pair %d: %w", p.place, err)
		}
	}
	return pairs, nil
}

// complete fills in what a pair left out.
func (p *pair) complete() error {
	if p.Version == "" {
		p.Version = latest
	}
	if p.Request == "" {
		if p.Type == "" {
			p.Type = "date"
		}
		return nil
	}
	if method, path, ok := strings.Cut(p.Request, " "); !ok || method == "" || !strings.HasPrefix(path, "/v1/") {
		return fmt.Errorf("the request is %q, and should be such as POST /v1/pages", p.Request)
	}
	if p.Status == 0 {
		var said struct {
			Object string `json:"object"`
			Status int    `json:"status"`
		}
		p.Status = http.StatusOK
		if err := json.Unmarshal(p.Answered, &said); err == nil && said.Object == "error" {
			p.Status = said.Status
		}
	}
	return nil
}

func (p *pair) name() string {
	what := p.Request
	if what == "" {
		what = p.Type + " " + string(p.Sent)
	}
	return fmt.Sprintf("%s %d (%s)", p.file, p.place, clip(what, 100))
}

// replay sends the pair's request to a fresh simulator and compares the answer.
func (p *pair) replay() outcome {
	o := outcome{name: p.name()}
	got, want, err := p.send()
	switch {
	case errors.Is(err, errUnprepared):
		o.skipped = err.Error()
	case err != nil:
		o.differences = []difference{{path: "(preparation)", expected: "a request that is accepted", got: err.Error()}}
	default:
		o.differences = compare(want, got)
	}
	return o
}

// send returns the answer of the simulator and the one recorded.
func (p *pair) send() (got, want any, err error) {
	if p.Version != latest && p.Version != older {
		return nil, nil, fmt.Errorf("%w: version %s is not spoken", errUnprepared, p.Version)
	}
	w, err := newWorld()
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	var sent any
	if len(p.Sent) > 0 {
		if sent, err = decode(p.Sent); err != nil {
			return nil, nil, err
		}
	}
	if want, err = decode(p.Answered); err != nil {
		return nil, nil, err
	}
	if p.Request == "" {
		got, err = w.writeValue(p.Type, sent, want)
		return got, want, err
	}
	for _, s := range p.Before {
		body, err := decode(s.Sent)
		if err != nil {
			return nil, nil, err
		}
		if _, err := w.do(s.Request, body); err != nil {
			return nil, nil, err
		}
	}
	request, body, err := w.prepare(p.Request, sent, object(want))
	if err != nil {
		return nil, nil, err
	}
	answer := w.request(p.Version, request, body)
	if answer.status != p.Status {
		return nil, nil, fmt.Errorf("%s answers %d, recorded %d: %s", request, answer.status, p.Status, clip(string(answer.raw), 300))
	}
	return answer.body, want, nil
}

func clip(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
