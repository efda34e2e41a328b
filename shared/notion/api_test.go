package notion_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jomei/notionapi"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/notion"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// TestRequests shows what each call sends.
func TestRequests(t *testing.T) {
	t.Parallel()
	yes := true
	minute := notionapi.Date(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC))
	tests := []struct {
		name   string
		call   func(context.Context, *notion.Client) error
		answer string
		method string
		target string
		body   string
	}{
		{
			"a page, by an id in another spelling",
			func(ctx context.Context, c *notion.Client) error {
				_, err := c.Page(ctx, "C01166C613AE45CBB96818B4EF2F5A77")
				return err
			},
			pageAnswer, "GET", "/v1/pages/" + pageID, "",
		},
		{
			"a creation", create, pageAnswer, "POST", "/v1/pages",
			`{"parent":{"data_source_id":"` + dataSourceID + `","type":"data_source_id"},"properties":{"aBcD":{"number":3}}}`,
		},
		{
			"a creation of nothing",
			func(ctx context.Context, c *notion.Client) error {
				_, err := c.CreatePage(ctx, dataSourceID, nil)
				return err
			},
			pageAnswer, "POST", "/v1/pages", `{"parent":{"data_source_id":"` + dataSourceID + `","type":"data_source_id"},"properties":{}}`,
		},
		{"an update", update, pageAnswer, "PATCH", "/v1/pages/" + pageID, `{"properties":{"aBcD":{"number":3}}}`},
		{
			"into the trash, and nothing else",
			func(ctx context.Context, c *notion.Client) error {
				_, err := c.UpdatePage(ctx, pageID, notion.PagePatch{InTrash: &yes})
				return err
			},
			pageAnswer, "PATCH", "/v1/pages/" + pageID, `{"in_trash":true}`,
		},
		{"a query for all", query, emptyList, "POST", "/v1/data_sources/" + dataSourceID + "/query", `{"page_size":100}`},
		{
			"a query for some",
			func(ctx context.Context, c *notion.Client) error {
				_, err := c.Query(ctx, dataSourceID, notion.Query{
					Filter:     notionapi.TimestampFilter{Timestamp: notionapi.TimestampLastEdited, LastEditedTime: &notionapi.DateFilterCondition{OnOrAfter: &minute}},
					Sorts:      []notionapi.SortObject{{Timestamp: notionapi.TimestampCreated, Direction: notionapi.SortOrderASC}},
					Cursor:     "c",
					PageSize:   3,
					Properties: []string{"title", "qY%5BD"},
				})
				return err
			},
			emptyList, "POST", "/v1/data_sources/" + dataSourceID + "/query?filter_properties=title&filter_properties=qY%255BD",
			`{"filter":{"timestamp":"last_edited_time","last_edited_time":{"on_or_after":"2026-11-23T10:00:00Z"}},` +
				`"sorts":[{"timestamp":"created_time","direction":"ascending"}],"start_cursor":"c","page_size":3}`,
		},
		{
			"a property more",
			func(ctx context.Context, c *notion.Client) error {
				id, err := c.AddProperty(ctx, dataSourceID, "Row key", property.TypeRichText)
				if id != "%7BxY" && id != "{xY" {
					t.Errorf("the id is %q", id)
				}
				return err
			},
			`{"object":"data_source","id":"` + dataSourceID + `","properties":{"Row key":{"id":"%7BxY","name":"Row key","type":"rich_text","rich_text":{}}}}`, "PATCH", "/v1/data_sources/" + dataSourceID,
			`{"properties":{"Row key":{"rich_text":{}}}}`,
		},
		{
			"who we are",
			func(ctx context.Context, c *notion.Client) error {
				me, err := c.Me(ctx)
				if err == nil && (me.Name != "Bot" || me.Bot.WorkspaceName != "ACT") {
					err = fmt.Errorf("got %+v", me)
				}
				return err
			},
			`{"object":"user","id":"b","type":"bot","name":"Bot","bot":{"owner":{"type":"workspace","workspace":true},"workspace_name":"ACT"}}`,
			"GET", "/v1/users/me", "",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := serve(t, script(t, reply{body: test.answer}))
			if err := test.call(t.Context(), f.client); err != nil {
				t.Fatal(err)
			}
			want := request{test.method, test.target, "Bearer " + secretToken, notion.DefaultVersion, test.body}
			if len(f.requests) != 1 || f.requests[0] != want {
				t.Errorf("sent %+v\nnot  %+v", f.requests, want)
			}
		})
	}
}

func TestIDsAreCheckedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	f := serve(t, script(t, reply{body: pageAnswer}))
	ctx, c := t.Context(), f.client
	for name, call := range map[string]func(id string) error{
		"Page":          func(id string) error { _, err := c.Page(ctx, id); return err },
		"CreatePage":    func(id string) error { _, err := c.CreatePage(ctx, id, nil); return err },
		"UpdatePage":    func(id string) error { _, err := c.UpdatePage(ctx, id, notion.PagePatch{}); return err },
		"Query":         func(id string) error { _, err := c.Query(ctx, id, notion.Query{}); return err },
		"Database":      func(id string) error { _, err := c.Database(ctx, id); return err },
		"DataSource":    func(id string) error { _, err := c.DataSource(ctx, id); return err },
		"AddProperty":   func(id string) error { _, err := c.AddProperty(ctx, id, "a", property.TypeCheckbox); return err },
		"PropertyItems": func(id string) error { _, err := c.PropertyItems(ctx, id, "title"); return err },
	} {
		for _, id := range []string{"", "../users/me", pageID + "?x=1"} {
			if err := call(id); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s of %q: %v", name, id, err)
			}
		}
	}
	if len(f.requests) != 0 {
		t.Errorf("sent %+v", f.requests)
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		raw  string
		want notion.Page
	}{
		{
			"of 2026",
			`{"object":"page","id":"c01166c613ae45cbb96818b4ef2f5a77","created_time":"2026-06-27T16:53:00.000Z","last_edited_time":"2026-06-27T16:53:40.972+01:00",
				"created_by":{"object":"user","id":"4F93DB514E1D4015B07F876E34C3B0B1"},"last_edited_by":{"id":"b"},"in_trash":true,"is_archived":false,
				"parent":{"type":"data_source_id","data_source_id":"4f93db514e1d4015b07f876e34c3b0b1","database_id":"c01166c613ae45cbb96818b4ef2f5a77"},"url":"https://u"}`,
			notion.Page{
				ID: pageID, CreatedTime: time.Date(2026, 6, 27, 16, 53, 0, 0, time.UTC), LastEditedTime: time.Date(2026, 6, 27, 15, 53, 40, 972e6, time.UTC),
				CreatedBy: dataSourceID, LastEditedBy: "b", InTrash: true, DataSourceID: dataSourceID, DatabaseID: pageID, URL: "https://u",
			},
		},
		{"archived, as it was called", `{"id":"a","archived":true}`, notion.Page{ID: "a", InTrash: true}},
		{"archived, as it is also called", `{"id":"a","archived":false,"is_archived":true}`, notion.Page{ID: "a", InTrash: true}},
		{"of 2021", `{"id":"a","created_by":null,"last_edited_time":"soon"}`, notion.Page{ID: "a"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := serve(t, script(t, reply{body: test.raw}))
			got, err := f.client.Page(t.Context(), pageID)
			test.want.Raw = json.RawMessage(test.raw)
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, test.want)
			}
		})
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	const rows = `[{"object":"page","id":"a"},{"object":"data_source","id":"b"},{"object":"page","id":"c"}]`
	tests := []struct {
		name       string
		body       string
		next       string
		incomplete bool
		kind       fault.Kind
	}{
		{"more to come", `{"results":` + rows + `,"has_more":true,"next_cursor":"n"}`, "n", false, fault.Internal},
		{"the last, whatever it names", `{"results":` + rows + `,"has_more":false,"next_cursor":"n"}`, "", false, fault.Internal},
		{"more to come, and no way to it", `{"results":` + rows + `,"has_more":true,"next_cursor":null}`, "", true, fault.Internal},
		{"cut by Notion", `{"results":` + rows + `,"has_more":false,"next_cursor":null,"request_status":{"type":"incomplete","incomplete_reason":"query_result_limit_reached"}}`, "", true, fault.Internal},
		{"complete and said so", `{"results":` + rows + `,"has_more":false,"request_status":{"type":"complete"}}`, "", false, fault.Internal},
		{"a row without an id", `{"results":[{"object":"page"}],"has_more":false}`, "", false, fault.Unavailable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := serve(t, script(t, reply{body: test.body, header: map[string]string{"Date": "Mon, 23 Nov 2026 10:00:20 GMT"}}))
			got, err := f.client.Query(t.Context(), dataSourceID, notion.Query{})
			if fault.KindOf(err) != test.kind {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			if got.NextCursor != test.next || got.Incomplete != test.incomplete || !got.ServedAt.Equal(time.Date(2026, 11, 23, 10, 0, 20, 0, time.UTC)) {
				t.Errorf("got %+v", got)
			}
			if len(got.Pages) != 2 || got.Pages[0].ID != "a" || got.Pages[1].ID != "c" {
				t.Errorf("listed %+v", got.Pages)
			}
		})
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	f := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if strings.HasPrefix(r.URL.Path, "/v1/databases/") {
			_, _ = io.WriteString(w, `{"object":"database","id":"`+pageID+`","title":[{"type":"text","text":{"content":"Part"}},{"type":"text","text":{"content":"ners"},"annotations":{"bold":true}}],
				"in_trash":true,"data_sources":[{"id":"4f93db514e1d4015b07f876e34c3b0b1","name":"Partners"}]}`)
			return
		}
		_, _ = io.WriteString(w, `{"object":"data_source","id":"`+dataSourceID+`","title":[],"parent":{"type":"database_id","database_id":"`+pageID+`"},"properties":{
			"Stage":{"id":"qY[D","name":"Stage","type":"status","status":{"options":[{"id":"1","name":"New","color":"red"},{"id":"2","name":"Won","color":"blue"}],"groups":[]}},
			"Partner":{"id":"x","type":"relation","relation":{"data_source_id":"`+dataSourceID+`","database_id":"`+pageID+`","type":"dual_property"}},
			"Aura":{"id":"y","type":"aura","aura":{"glow":1}}}}`)
	})
	database, err := f.client.Database(t.Context(), pageID)
	wantDatabase := notion.Database{ID: pageID, Title: "Partners", InTrash: true, DataSources: []notion.DataSourceRef{{ID: dataSourceID, Name: "Partners"}}}
	if err != nil || !reflect.DeepEqual(database, wantDatabase) {
		t.Errorf("got %+v, %v", database, err)
	}
	source, err := f.client.DataSource(t.Context(), dataSourceID)
	if err != nil {
		t.Fatal(err)
	}
	for id, column := range source.Properties {
		if len(column.Raw) == 0 {
			t.Errorf("%s lost its schema", id)
		}
		column.Raw = nil
		source.Properties[id] = column
	}
	wantSource := notion.DataSource{ID: dataSourceID, DatabaseID: pageID, Properties: map[string]notion.Column{
		"qY%5BD": {ID: "qY%5BD", Name: "Stage", Type: property.TypeStatus, Options: []notion.Option{{ID: "1", Name: "New", Color: "red"}, {ID: "2", Name: "Won", Color: "blue"}}},
		"x":      {ID: "x", Name: "Partner", Type: property.TypeRelation, RelatedTo: dataSourceID},
		"y":      {ID: "y", Name: "Aura", Type: "aura"},
	}}
	if !reflect.DeepEqual(source, wantSource) {
		t.Errorf("got  %+v\nwant %+v", source, wantSource)
	}
}

func TestPropertyItems(t *testing.T) {
	t.Parallel()
	ref := func(id string) string {
		return `{"object":"property_item","id":"x","type":"relation","relation":{"id":"` + id + `"}}`
	}
	const of = `"property_item":{"id":"x","next_url":null,"type":"relation","relation":{}}`
	tests := []struct {
		name    string
		answers []string
		want    property.Value
		cursors []string
		kind    fault.Kind
	}{
		{
			"a relation in three pages",
			[]string{
				`{"object":"list","results":[` + ref("a") + `],"has_more":true,"next_cursor":"1",` + of + `}`,
				`{"object":"list","results":[` + ref("b") + `],"has_more":true,"next_cursor":"2",` + of + `}`,
				`{"object":"list","results":[` + ref("c") + `],"has_more":false,"next_cursor":null,` + of + `}`,
			},
			property.Refs{"a", "b", "c"},
			[]string{"", "1", "2"},
			fault.Internal,
		},
		{"an empty one", []string{`{"object":"list","results":[],"has_more":false,` + of + `}`}, nil, []string{""}, fault.Internal},
		{
			"a list that does not say of what",
			[]string{`{"object":"list","results":[` + ref("a") + `],"has_more":false}`},
			property.Refs{"a"},
			[]string{""},
			fault.Internal,
		},
		{
			"a value that is no list",
			[]string{`{"object":"property_item","request_id":"r","id":"x","type":"select","select":{"id":"1","name":"A"}}`},
			property.Option("A"),
			[]string{""},
			fault.Internal,
		},
		{
			"a rollup of values in two pages",
			[]string{
				`{"object":"list","results":[{"object":"property_item","id":"y","type":"number","number":1}],"has_more":true,"next_cursor":"1","property_item":{"id":"x","type":"rollup","rollup":{"type":"array","array":[],"function":"show_original"}}}`,
				`{"object":"list","results":[{"object":"property_item","id":"y","type":"number","number":2}],"has_more":false,"property_item":{"id":"x","type":"rollup","rollup":{"type":"array","array":[],"function":"show_original"}}}`,
			},
			property.Opaque(`{"array":[{"number":1,"type":"number"},{"number":2,"type":"number"}],"function":"show_original","type":"array"}`),
			[]string{"", "1"},
			fault.Internal,
		},
		{
			"a rollup that is worked out at the end",
			[]string{
				`{"object":"list","results":[{"type":"number","number":1}],"has_more":true,"next_cursor":"1","property_item":{"id":"x","type":"rollup","rollup":{"type":"incomplete","incomplete":{},"function":"sum"}}}`,
				`{"object":"list","results":[{"type":"number","number":2}],"has_more":false,"property_item":{"id":"x","type":"rollup","rollup":{"type":"number","number":3,"function":"sum"}}}`,
			},
			property.Opaque(`{"function":"sum","number":3,"type":"number"}`),
			[]string{"", "1"},
			fault.Internal,
		},
		{"a list of something else", []string{`{"object":"list","results":[{"type":"title","title":{}}],` + of + `}`}, nil, []string{""}, fault.Unavailable},
		{"a list of nothing, of no type", []string{`{"object":"list","results":[]}`}, nil, []string{""}, fault.Unavailable},
		{"no property at all", []string{`[]`}, nil, []string{""}, fault.Unavailable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var cursors []string
			f := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
				cursors = append(cursors, r.URL.Query().Get("start_cursor"))
				_, _ = io.WriteString(w, test.answers[n])
			})
			raw, err := f.client.PropertyItems(t.Context(), pageID, "x")
			if fault.KindOf(err) != test.kind || !slices.Equal(cursors, test.cursors) {
				t.Fatalf("asked for %q, %v", cursors, err)
			}
			if err != nil {
				return
			}
			p, err := property.Decode(raw)
			if err != nil || p.ID != "x" || p.Truncated || !property.Equal(p.Value, test.want) {
				t.Errorf("got %+v, %v\n%s", p, err, raw)
			}
		})
	}
}

func TestPropertyItemsEnd(t *testing.T) {
	t.Parallel()
	f := serve(t, script(t, reply{body: `{"object":"list","results":[],"has_more":true,"next_cursor":"again","property_item":{"type":"title"}}`}),
		func(c *notion.Config) { c.Budget = free{} })
	if _, err := f.client.PropertyItems(t.Context(), pageID, "title"); fault.KindOf(err) != fault.TooLarge || len(f.requests) != 1000 {
		t.Errorf("%d requests, %v", len(f.requests), err)
	}
}

// free is a budget without end.
type free struct{}

func (free) Take(context.Context, int) error { return nil }

func TestMe(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer reply
		kind   fault.Kind
	}{
		{"a token that is not known", refusal(401, "unauthorized", ""), fault.Unauthorized},
		{"something that is no user", reply{body: `[]`}, fault.Unavailable},
		{"nothing", reply{drop: true}, fault.Unavailable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := serve(t, script(t, test.answer))
			if me, err := f.client.Me(t.Context()); fault.KindOf(err) != test.kind || strings.Contains(err.Error(), f.server.URL) {
				t.Errorf("got %+v, %v", me, err)
			}
		})
	}
}
