package demo_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/demo"
)

type page struct {
	ID         string
	Created    time.Time `json:"created_time"`
	Edited     time.Time `json:"last_edited_time"`
	Properties map[string]map[string]json.RawMessage
}

func (p page) raw(name string) string {
	var kind string
	_ = json.Unmarshal(p.Properties[name]["type"], &kind) // an absent property has no type, and then no value
	return string(p.Properties[name][kind])
}

func pages(t *testing.T) map[string][]page {
	t.Helper()
	sim, err := notionsim.New(notionsim.Config{Demo: true})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	all := make(map[string][]page)
	for _, kind := range demo.Kinds() {
		rows, err := sim.Pages(sim.Databases()[kind])
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range rows {
			var p page
			if err := json.Unmarshal(raw, &p); err != nil {
				t.Fatal(err)
			}
			all[kind] = append(all[kind], p)
		}
	}
	return all
}

func TestEveryScalarIsFilled(t *testing.T) {
	t.Parallel()
	for kind, rows := range pages(t) {
		for _, p := range rows {
			for name := range p.Properties {
				if v := p.raw(name); v == "null" || v == "[]" && string(p.Properties[name]["type"]) != `"relation"` {
					t.Errorf("%s %s has no %s", kind, p.raw("Name"), name)
				}
			}
		}
	}
}

func TestContentIsBelievable(t *testing.T) {
	t.Parallel()
	all := pages(t)
	for kind, n := range map[string]int{"partners": 25, "projects": 15, "opportunities": 30, "organizations": 20} {
		if len(all[kind]) != n {
			t.Errorf("%d %s", len(all[kind]), kind)
		}
		for _, name := range []string{"Name", "Description"} {
			var texts []string
			for _, p := range all[kind] {
				texts = append(texts, p.raw(name))
			}
			slices.Sort(texts)
			if len(slices.Compact(texts)) != n {
				t.Errorf("two %s have one %s", kind, name)
			}
		}
	}
	for _, p := range all["projects"] {
		var start, end struct{ Start string }
		if err := json.Unmarshal([]byte(p.raw("Start Date")), &start); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(p.raw("End Date")), &end); err != nil {
			t.Fatal(err)
		}
		if end.Start <= start.Start {
			t.Errorf("%s ends on %s and begins on %s", p.raw("Name"), end.Start, start.Start)
		}
	}
	whole := ""
	for _, rows := range all {
		for _, p := range rows {
			if p.Edited.Before(p.Created) || p.Created.Year() < 2024 || p.Edited.Year() > 2025 {
				t.Errorf("%s: created %v, edited %v", p.raw("Name"), p.Created, p.Edited)
			}
			for name := range p.Properties {
				whole += p.raw(name)
			}
		}
	}
	for _, part := range []string{`"bold":true`, `"italic":true`, `"code":true`, `"type":"user"`, `"type":"page"`, `"link":{"url"`} {
		if !strings.Contains(whole, part) {
			t.Errorf("no text has %s", part)
		}
	}
	if strings.Contains(whole, "Anonymous") || strings.Contains(whole, "Untitled") || strings.Contains(whole, "**") {
		t.Error("a mention leads nowhere, or markup is left")
	}
}
