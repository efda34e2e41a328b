package notion_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jomei/notionapi"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
	"github.com/act-platform/enhanced-integration/infra/notionsim/chaos"
	"github.com/act-platform/enhanced-integration/infra/notionsim/openapitest"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// simulated is a client of the simulator's demo workspace. Both have one clock, which waits move; Notion's OpenAPI document
// judges every request and every answer.
type simulated struct {
	*fixture
	sim *notionsim.Sim
}

func simulate(t *testing.T) simulated {
	t.Helper()
	f := &fixture{now: time.Date(2026, 11, 23, 10, 0, 30, 0, time.UTC)}
	sim, err := notionsim.New(notionsim.Config{Demo: true, Now: f.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	f.server = httptest.NewServer(openapitest.Judge(t, sim, openapitest.Requests()))
	t.Cleanup(f.server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	f.client = notion.New(notion.Config{
		BaseURL: f.server.URL, Transport: transport, Tokens: &tokens{list: []string{notionsim.IntegrationToken}},
		Now: f.clock, Wait: f.wait, Jitter: func() float64 { return 0.5 }, Observe: f.observe,
	})
	return simulated{f, sim}
}

// source returns the data source of one of the demo databases.
func (s simulated) source(t *testing.T, kind string) notion.DataSource {
	t.Helper()
	database, err := s.client.Database(t.Context(), s.sim.Databases()[kind])
	if err != nil || len(database.DataSources) != 1 {
		t.Fatalf("%+v, %v", database, err)
	}
	source, err := s.client.DataSource(t.Context(), database.DataSources[0].ID)
	if err != nil || source.DatabaseID != database.ID {
		t.Fatalf("%+v, %v", source, err)
	}
	return source
}

// list reads all pages of a data source.
func (s simulated) list(t *testing.T, id string, q notion.Query) (pages []notion.Page, incomplete bool) {
	t.Helper()
	for {
		answer, err := s.client.Query(t.Context(), id, q)
		if err != nil {
			t.Fatal(err)
		}
		if !answer.ServedAt.Equal(s.clock().Truncate(time.Second)) {
			t.Errorf("served at %v by a clock that shows %v", answer.ServedAt, s.clock())
		}
		pages = append(pages, answer.Pages...)
		if answer.NextCursor == "" {
			return pages, answer.Incomplete
		}
		q.Cursor = answer.NextCursor
	}
}

// decoded reads the properties of a page, by name.
func decoded(t *testing.T, page notion.Page) map[string]property.Property {
	t.Helper()
	properties := map[string]property.Property{}
	for name, raw := range page.Properties {
		p, err := property.Decode(raw)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, raw)
		}
		properties[name] = p
	}
	return properties
}

// TestSimulatorTakesBackWhatItGave reads every page of the demo workspace and writes it back: nothing changes.
func TestSimulatorTakesBackWhatItGave(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	written := 0
	for _, kind := range slices.Sorted(maps.Keys(s.sim.Databases())) {
		source := s.source(t, kind)
		pages, _ := s.list(t, source.ID, notion.Query{PageSize: 7})
		for _, page := range pages {
			before := decoded(t, page)
			patch := notion.PagePatch{Properties: map[string]json.RawMessage{}}
			for name, p := range before {
				if column, ok := source.Properties[p.ID]; !ok || column.Name != name || column.Type != p.Type {
					t.Errorf("%s of %s is %s and stands in the schema as %+v", name, page.ID, p.Type, column)
				}
				if !p.Type.Writable() || p.Truncated {
					continue
				}
				raw, err := property.Encode(p.Type, p.Value)
				if err != nil {
					t.Fatal(err)
				}
				patch.Properties[p.ID] = raw
			}
			after, err := s.client.UpdatePage(t.Context(), page.ID, patch)
			if err != nil {
				t.Fatal(err)
			}
			for name, p := range decoded(t, after) {
				if !property.Equal(p.Value, before[name].Value) {
					t.Errorf("%s was %+v and is %+v", name, before[name].Value, p.Value)
				}
			}
			written++
		}
	}
	if stats := s.sim.Stats(); written != 90 || stats.RateLimited != 0 {
		t.Errorf("%d pages written; %d requests were too many", written, stats.RateLimited)
	}
}

func TestSimulatorKeepsAPage(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	ctx, source := t.Context(), s.source(t, "projects")
	for name, typ := range map[string]property.Type{
		"Row key": property.TypeRichText, "Team": property.TypePeople, "Site": property.TypeURL, "Mail": property.TypeEmail, "Phone": property.TypePhone,
	} {
		if _, err := s.client.AddProperty(ctx, source.ID, name, typ); err != nil {
			t.Fatal(err)
		}
	}
	others, _ := s.list(t, source.ID, notion.Query{})
	person, other := others[0].CreatedBy, others[0].ID
	values := map[string]struct {
		t property.Type
		v property.Value
	}{
		"Name":    {property.TypeTitle, property.Text{{Kind: property.RunText, Text: strings.Repeat("é🚀", 1500)}}},
		"Row key": {property.TypeRichText, property.Text{{Kind: property.RunText, Text: "row-1"}}},
		"Description": {property.TypeRichText, property.Text{
			{Kind: property.RunText, Text: "a", Link: "https://example.org/"},
			{Kind: property.RunText, Text: "b", Style: property.Style{Bold: true, Color: "red"}},
			{Kind: property.RunMention, Object: []byte(`{"type":"user","user":{"id":"` + person + `"}}`)},
			{Kind: property.RunMention, Object: []byte(`{"page":{"id":"` + other + `"},"type":"page"}`)},
			{Kind: property.RunMention, Object: []byte(`{"date":{"start":"2026-11-23"},"type":"date"}`)},
			{Kind: property.RunEquation, Object: []byte(`{"expression":"e=mc^2"}`), Style: property.Style{Italic: true}},
		}},
		"Team":       {property.TypePeople, property.People{{ID: person}}},
		"Site":       {property.TypeURL, property.Line("https://example.org/")},
		"Mail":       {property.TypeEmail, property.Line("a@example.org")},
		"Phone":      {property.TypePhone, property.Line("+61 7 1234")},
		"Area":       {property.TypeSelect, property.Option("Moon landing")},
		"Tags":       {property.TypeMultiSelect, property.Options{"one", "two"}},
		"Budget":     {property.TypeNumber, property.Number(0.1)},
		"Start Date": {property.TypeDate, property.Date{Start: "2026-11-23T10:00:00.000+11:00", End: "2026-11-24T10:00:00.000+11:00"}},
		"Featured":   {property.TypeCheckbox, property.Checked(true)},
		"Partners":   {property.TypeRelation, nil},
	}
	requests, cleared := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	for name, value := range values {
		var err error
		if requests[name], err = property.Encode(value.t, value.v); err != nil {
			t.Fatal(err)
		}
		if cleared[name], err = property.Encode(value.t, nil); err != nil {
			t.Fatal(err)
		}
	}
	page, err := s.client.CreatePage(ctx, source.ID, requests)
	if err != nil {
		t.Fatal(err)
	}
	if page.DataSourceID != source.ID || page.InTrash || page.CreatedBy == "" || !page.CreatedTime.Equal(s.clock().Truncate(time.Minute)) {
		t.Errorf("got %+v", page)
	}
	for name, p := range decoded(t, page) {
		if want, ok := values[name]; ok && !property.Equal(p.Value, want.v) {
			t.Errorf("%s is %+v", name, p.Value)
		}
	}
	found, _ := s.list(t, source.ID, notion.Query{Filter: notionapi.PropertyFilter{Property: "Row key", RichText: &notionapi.TextFilterCondition{Equals: "row-1"}}})
	if len(found) != 1 || found[0].ID != page.ID {
		t.Errorf("found %+v", found)
	}
	if page, err = s.client.UpdatePage(ctx, page.ID, notion.PagePatch{Properties: cleared}); err != nil {
		t.Fatal(err)
	}
	for name, p := range decoded(t, page) {
		if want, ok := values[name]; ok && want.t != property.TypeCheckbox && p.Value != nil {
			t.Errorf("%s is %+v after it was cleared", name, p.Value)
		}
	}
	for _, trash := range []bool{true, false} {
		if page, err = s.client.UpdatePage(ctx, page.ID, notion.PagePatch{InTrash: &trash}); err != nil || page.InTrash != trash {
			t.Errorf("in the trash: %v, %v", page.InTrash, err)
		}
	}
	if again, err := s.client.Page(ctx, page.ID); err != nil || again.ID != page.ID {
		t.Errorf("got %+v, %v", again, err)
	}
	if me, err := s.client.Me(ctx); err != nil || string(me.ID) != page.CreatedBy {
		t.Errorf("we are %+v, %v", me, err)
	}
}

func TestSimulatorCutsALongRelation(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	ctx, source := t.Context(), s.source(t, "partners")
	opportunities, _ := s.list(t, s.source(t, "opportunities").ID, notion.Query{})
	var refs property.Refs
	for _, page := range opportunities {
		refs = append(refs, page.ID)
	}
	if len(refs) < 26 {
		t.Fatalf("the demo workspace has only %d opportunities", len(refs))
	}
	raw, err := property.Encode(property.TypeRelation, refs)
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.client.CreatePage(ctx, source.ID, map[string]json.RawMessage{"Opportunities": raw})
	if err != nil {
		t.Fatal(err)
	}
	cut := decoded(t, page)["Opportunities"]
	if got, _ := cut.Value.(property.Refs); !cut.Truncated || len(got) != 25 {
		t.Errorf("%d of %d, truncated: %v", len(got), len(refs), cut.Truncated)
	}
	raw, err = s.client.PropertyItems(ctx, page.ID, cut.ID)
	if err != nil {
		t.Fatal(err)
	}
	if whole, err := property.Decode(raw); err != nil || whole.Truncated || whole.ID != cut.ID || !property.Equal(whole.Value, refs) {
		t.Errorf("got %+v, %v", whole, err)
	}
}

func TestSimulatorEndsALongListing(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	if err := s.sim.SetOptions(func(o *notionsim.Options) { o.RowCap = 10 }); err != nil {
		t.Fatal(err)
	}
	pages, incomplete := s.list(t, s.source(t, "partners").ID, notion.Query{PageSize: 5})
	if len(pages) != 10 || !incomplete {
		t.Errorf("%d pages, incomplete: %v", len(pages), incomplete)
	}
}

func TestSimulatorFails(t *testing.T) {
	t.Parallel()
	saved := chaos.Fault{Status: 503, Code: "service_unavailable"}
	tests := []struct {
		name  string
		rule  chaos.Rule
		call  func(context.Context, *notion.Client, string) error
		kind  fault.Kind
		calls int
	}{
		{"429", chaos.Rule{Fault: chaos.Fault{Status: 429, Code: "rate_limited", RetryAfter: 5}, Times: 1}, createIn, fault.Internal, 2},
		{"a creation, saved but answered with 503", chaos.Rule{Fault: saved, When: chaos.After, Times: 1}, createIn, fault.Unavailable, 1},
		{"a creation, saved but not answered", chaos.Rule{Fault: chaos.Fault{Drop: true}, When: chaos.After, Times: 1}, createIn, fault.Unavailable, 1},
		{"a query that is not answered", chaos.Rule{Fault: chaos.Fault{Drop: true}, Times: 1}, queryIn, fault.Internal, 2},
		{"a gateway's page", chaos.Rule{Fault: chaos.Fault{Status: 502, Body: "html"}, Times: 1}, queryIn, fault.Internal, 2},
		{"nothing but 503", chaos.Rule{Fault: saved}, queryIn, fault.Unavailable, 6},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := simulate(t)
			source := s.source(t, "partners")
			if err := s.sim.SetFaults(1, test.rule); err != nil {
				t.Fatal(err)
			}
			before := len(s.calls)
			err := test.call(t.Context(), s.client, source.ID)
			if fault.KindOf(err) != test.kind || (err == nil) != (test.kind == fault.Internal) || len(s.calls)-before != test.calls {
				t.Errorf("%d attempts, %v", len(s.calls)-before, err)
			}
			said, ok := errors.AsType[*notion.Error](err)
			if !ok || said.CommittedResourceID == "" {
				return
			}
			if page, err := s.client.Page(t.Context(), said.CommittedResourceID); err != nil || page.DataSourceID != source.ID {
				t.Errorf("the page that was created all the same: %+v, %v", page, err)
			}
		})
	}
}

func createIn(ctx context.Context, c *notion.Client, dataSourceID string) error {
	_, err := c.CreatePage(ctx, dataSourceID, nil)
	return err
}

func queryIn(ctx context.Context, c *notion.Client, dataSourceID string) error {
	_, err := c.Query(ctx, dataSourceID, notion.Query{})
	return err
}

// TestSimulatorIsNotAskedTooOften sends more requests than the budget has, as fast as it goes.
func TestSimulatorIsNotAskedTooOften(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	start := s.clock()
	for range 400 {
		if _, err := s.client.Page(t.Context(), s.sim.Databases()["partners"]); fault.KindOf(err) != fault.NotFound {
			t.Fatal(err)
		}
	}
	if stats := s.sim.Stats(); stats.RateLimited != 0 || s.clock().Sub(start) != 2*time.Minute {
		t.Errorf("%d refused within %v", stats.RateLimited, s.clock().Sub(start))
	}
}
