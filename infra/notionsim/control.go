package notionsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// control answers one control call: what it gives is the answer's JSON, and an error is a 400 that says what is wrong.
type control func(r *http.Request) (any, error)

// controls adds what stands under /_sim/ to a multiplexer.
func (s *Sim) controls(mux *http.ServeMux) {
	handle := func(route string, do control) {
		mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) { s.control(w, r, do) })
	}
	handle("POST /_sim/seed", s.controlSeed)
	handle("POST /_sim/reset", func(*http.Request) (any, error) { return map[string]any{"databases": s.Databases()}, s.Reset() })
	handle("GET /_sim/stats", func(*http.Request) (any, error) { return s.Stats(), nil })
	handle("POST /_sim/stats/reset", func(*http.Request) (any, error) { s.counts.reset(); return s.Stats(), nil })
	handle("GET /_sim/faults", func(*http.Request) (any, error) { return map[string]any{"rules": s.faults.Rules()}, nil })
	handle("POST /_sim/faults", s.controlFaults)
	handle("DELETE /_sim/faults", func(*http.Request) (any, error) { return map[string]any{"rules": []int{}}, s.SetFaults(0) })
	handle("GET /_sim/options", func(*http.Request) (any, error) { return s.Options(), nil })
	handle("POST /_sim/options", s.controlOptions)
	handle("GET /_sim/clock", func(*http.Request) (any, error) { return s.clockState(), nil })
	handle("POST /_sim/clock", s.controlClock)
	handle("GET /_sim/databases", func(*http.Request) (any, error) { return s.databaseIDs(), nil })
	handle("POST /_sim/databases/{id}/unshare", func(r *http.Request) (any, error) { return done(s.Share(r.PathValue("id"), false)) })
	handle("POST /_sim/databases/{id}/share", func(r *http.Request) (any, error) { return done(s.Share(r.PathValue("id"), true)) })
	handle("POST /_sim/databases/{id}/properties", s.controlProperty)
	handle("PATCH /_sim/databases/{id}/properties/{property}", s.controlPropertyChange)
	handle("DELETE /_sim/databases/{id}/properties/{property}", func(r *http.Request) (any, error) {
		return done(s.DropProperty(r.PathValue("id"), r.PathValue("property")))
	})
	handle("PATCH /_sim/databases/{id}/properties/{property}/options/{option}", s.controlOption)
	handle("GET /_sim/blocks", func(*http.Request) (any, error) { return s.blockState(), nil })
	handle("POST /_sim/blocks", s.controlBlocks)
	handle("POST /_sim/pages/{id}/delete", func(r *http.Request) (any, error) { return done(s.DeletePage(r.PathValue("id"))) })
	handle("POST /_sim/pages/{id}/values", s.controlValues)
	handle("GET /_sim/webhooks", func(*http.Request) (any, error) { return s.webhooks.Subscription(), nil })
	handle("POST /_sim/webhooks", s.controlSubscribe)
	handle("DELETE /_sim/webhooks", func(*http.Request) (any, error) { return done(s.webhooks.Unsubscribe()) })
	handle("POST /_sim/webhooks/deliver", s.controlDeliver)
	mux.HandleFunc("/_sim/", func(w http.ResponseWriter, r *http.Request) {
		s.control(w, r, func(*http.Request) (any, error) {
			return nil, fmt.Errorf("there is no %s %s", r.Method, r.URL.Path)
		})
	})
}

func (s *Sim) control(w http.ResponseWriter, r *http.Request, do control) {
	answer, err := do(r)
	status := http.StatusOK
	if err != nil {
		status, answer = http.StatusBadRequest, map[string]string{"error": err.Error()}
		if refusal, ok := errors.AsType[*wire.Error](err); ok && refusal.Status == http.StatusNotFound {
			status = http.StatusNotFound
		}
	}
	body, err := json.Marshal(answer)
	if err != nil {
		s.log.Error("a control call failed", "path", r.URL.Path, "error", err)
		status, body = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written"}`)
	}
	s.send(w, &call{id: s.requestID()}, status, jsonType, append(body, '\n'))
}

func done(err error) (any, error) { return map[string]bool{"ok": err == nil}, err }

// decode reads the body of a control call into a value. What the value does not know is an error.
func decode(r io.Reader, into any) error {
	dec := json.NewDecoder(io.LimitReader(r, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("body: more follows than one JSON value")
	}
	return nil
}

func (s *Sim) controlSeed(r *http.Request) (any, error) {
	var wanted struct {
		Records map[string]int `json:"records"`
		Seed    int64          `json:"seed"`
	}
	if err := decode(r.Body, &wanted); err != nil {
		return nil, err
	}
	added, err := s.Grow(wanted.Records, wanted.Seed)
	return map[string]any{"added": added}, err
}

// controlFaults takes {"rules":[…],"seed":1}, or the list of rules alone.
func (s *Sim) controlFaults(r *http.Request) (any, error) {
	var raw json.RawMessage
	if err := decode(r.Body, &raw); err != nil {
		return nil, err
	}
	var wanted struct {
		Rules []chaos.Rule `json:"rules"`
		Seed  uint64       `json:"seed"`
	}
	into := any(&wanted)
	if raw[0] == '[' {
		into = &wanted.Rules
	}
	if err := decode(bytes.NewReader(raw), into); err != nil {
		return nil, err
	}
	if err := s.SetFaults(wanted.Seed, wanted.Rules...); err != nil {
		return nil, err
	}
	return map[string]any{"rules": s.faults.Rules()}, nil
}

func (s *Sim) controlOptions(r *http.Request) (any, error) {
	next := s.Options()
	if err := decode(r.Body, &next); err != nil {
		return nil, err
	}
	if err := s.SetOptions(func(o *Options) { *o = next }); err != nil {
		return nil, err
	}
	return next, nil
}

func (s *Sim) clockState() any {
	return map[string]any{"now": s.clock.Now().UTC().Format(time.RFC3339Nano), "running": s.clock.Running()}
}

// controlClock takes one of {"set":"2026-11-23T10:00:00Z"}, {"advance":"90s"} and {"real":true}.
func (s *Sim) controlClock(r *http.Request) (any, error) {
	var wanted struct {
		Set     time.Time `json:"set"`
		Advance string    `json:"advance"`
		Real    bool      `json:"real"`
	}
	if err := decode(r.Body, &wanted); err != nil {
		return nil, err
	}
	switch {
	case !wanted.Set.IsZero() && wanted.Advance == "" && !wanted.Real:
		s.clock.Set(wanted.Set)
	case wanted.Set.IsZero() && wanted.Advance != "" && !wanted.Real:
		d, err := time.ParseDuration(wanted.Advance)
		if err != nil {
			return nil, fmt.Errorf("advance: %w", err)
		}
		s.clock.Advance(d)
	case wanted.Set.IsZero() && wanted.Advance == "" && wanted.Real:
		s.clock.Real()
	default:
		return nil, errors.New("give one of set, advance and real")
	}
	return s.clockState(), nil
}

// controlProperty takes {"name":"Aura","type":"aura","config":{…}}: a property of any type, also of one that the API cannot make
// or that nobody knows.
func (s *Sim) controlProperty(r *http.Request) (any, error) {
	var wanted struct {
		Name   string          `json:"name"`
		Type   string          `json:"type"`
		Config json.RawMessage `json:"config"`
	}
	if err := decode(r.Body, &wanted); err != nil {
		return nil, err
	}
	return done(s.AddProperty(r.PathValue("id"), wanted.Name, wanted.Type, wanted.Config))
}

// controlPropertyChange takes {"name":"Scent"}, a new name, {"unsupported":true}, whether the API shows the results of a formula or a
// rollup, or both.
func (s *Sim) controlPropertyChange(r *http.Request) (any, error) {
	var wanted PropertyChange
	if err := decode(r.Body, &wanted); err != nil {
		return nil, err
	}
	return done(s.ChangeProperty(r.PathValue("id"), r.PathValue("property"), wanted))
}

// controlOption takes {"name":"Arts"}, the new name of an option.
func (s *Sim) controlOption(r *http.Request) (any, error) {
	var wanted struct {
		Name string `json:"name"`
	}
	if err := decode(r.Body, &wanted); err != nil {
		return nil, err
	}
	return done(s.RenameOption(r.PathValue("id"), r.PathValue("property"), r.PathValue("option"), wanted.Name))
}

func (s *Sim) blockState() any {
	return map[string]int{"used": s.Blocks(), "limit": s.Options().BlockLimit}
}

// controlBlocks takes {"used":1000}: how many blocks there ever were.
func (s *Sim) controlBlocks(r *http.Request) (any, error) {
	var wanted struct {
		Used int `json:"used"`
	}
	if err := decode(r.Body, &wanted); err != nil {
		return nil, err
	}
	if err := s.SetBlocks(wanted.Used); err != nil {
		return nil, err
	}
	return s.blockState(), nil
}

// controlValues takes {"Aura":{…}}: values by the names of properties, also of those that the API cannot write. A value is what
// stands under the type's name in a page, but for files, [{"name":"a.pdf","path":"a/a.pdf"}] being one that Notion hosts,
// and a verification, {"state":"verified","by":"…"}.
func (s *Sim) controlValues(r *http.Request) (any, error) {
	var values map[string]json.RawMessage
	if err := decode(r.Body, &values); err != nil {
		return nil, err
	}
	return done(s.SetValues(r.PathValue("id"), values))
}
