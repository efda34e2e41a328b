package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
)

const anID = "0198b5a0-0000-7000-8000-000000000001"

// previews is a store of one run, and of one doubt.
type previews struct {
	told   journal.RunReport
	asked  journal.PreviewFilter
	listed journal.FindDoubts
	said   journal.Settling
	err    error
}

func (p *previews) Run(_ context.Context, id string) (journal.RunReport, error) {
	p.told.ID = id
	return p.told, p.err
}

func (p *previews) Preview(_ context.Context, f journal.PreviewFilter) (journal.PreviewPage, error) {
	p.asked = f
	return journal.PreviewPage{Total: 3, Next: 7, Records: []journal.Preview{
		{
			Kind: "partners", Key: journal.Key{PageID: "page", RowID: "row"}, Title: "Ada", Match: journal.ByTitle,
			Notion: &journal.Effect{Op: merge.Update, Fields: []journal.Field{{Field: "location", Has: json.RawMessage(`"a"`), Gets: json.RawMessage(`"b"`)}}},
			Conflicts: []journal.Overruled{
				{Field: "location", Rule: merge.Newest, Winner: merge.Supabase, Notion: json.RawMessage(`"a"`), Supabase: json.RawMessage(`"b"`)},
				{Field: "type", Rule: "manual"},
			},
		},
		{Kind: "partners", Key: journal.Key{PageID: "other"}, Title: "Bob", Match: journal.ByKey, Doubtful: true},
	}}, nil
}

func (p *previews) List(_ context.Context, f journal.FindDoubts) (journal.Doubts, error) {
	p.listed = f
	return journal.Doubts{Total: 1, Items: []journal.Doubt{{
		Place: 3, Kind: "partners", PageID: "page", Title: "Ada", By: journal.ByTitle, Value: "ada", Pages: 1, Rows: 2,
		Candidates: []journal.Candidate{{RowID: "row", Columns: map[string]json.RawMessage{"name": json.RawMessage(`"Ada"`)}}},
	}}}, nil
}

func (p *previews) Settle(_ context.Context, s journal.Settling) (journal.Settlement, error) {
	p.said = s
	return journal.Settlement{Kind: "partners", NewRows: 1}, p.err
}

// shape returns what an answer holds, as JSON without what every answer has.
func shape(t *testing.T, answer map[string]any) string {
	t.Helper()
	delete(answer, "success")
	delete(answer, "timestamp")
	data, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestRun(t *testing.T) {
	t.Parallel()
	p := &previews{told: journal.RunReport{
		Run: journal.Run{Type: journal.Full, RequestedBy: "desk", CreatedAt: now}, Status: "running", StartedAt: now,
		Parts: map[string]journal.PartReport{"partners": {Status: "running", Phase: journal.Pulling}},
	}}
	status, _, answer := call(t, newAPI().Run(p), &everybody, "GET", "/sync/runs/"+anID, "")
	if status != 200 || answer["preview"] != nil || at(answer, "run", "databases", "partners", "phase") != "pull" || at(answer, "run", "finished_at") != nil {
		t.Errorf("a real run: %d %v", status, answer)
	}
	p.told.DryRun = true
	_, _, answer = call(t, newAPI().Run(p), &everybody, "GET", "/sync/runs/"+anID+"?database=partners&limit=2&cursor=NQ", "")
	want := `{"next_cursor":"Nw","records":[` +
		`{"conflicts":[{"field":"location","notion_value":"a","rule":"newest","supabase_value":"b","winner":"supabase"},` +
		`{"field":"type","notion_value":null,"rule":"manual","supabase_value":null,"winner":null}],` +
		`"database":"partners","matched_by":"title","notion":{"fields":[{"field":"location","gets":"b","has":"a"}],"op":"update"},` +
		`"notion_id":"page","record_id":"row","supabase":null,"title":"Ada"},` +
		`{"database":"partners","doubtful":true,"matched_by":"key","notion":null,"notion_id":"other","supabase":null,"title":"Bob"}],"total":3}`
	shown, _ := answer["preview"].(map[string]any)
	if diff := cmp.Diff(want, shape(t, shown)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if want := (journal.PreviewFilter{RunID: anID, Kind: "partners", Limit: 2, After: 5}); p.asked != want {
		t.Errorf("asked for %+v", p.asked)
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	p := &previews{}
	_, _, answer := call(t, newAPI().Matches(p), &everybody, "GET", "/sync/matches?database=partners", "")
	want := `{"matches":[{"by":"title","candidates":[{"fields":{"name":"Ada"},"row_id":"row"}],"database":"partners","page_id":"page","pages":1,"rows":2,` +
		`"title":"Ada","value":"ada"}],"next_cursor":null,"total":1}`
	if diff := cmp.Diff(want, shape(t, answer)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if want := (journal.FindDoubts{Kind: "partners", Limit: 50}); p.listed != want {
		t.Errorf("asked for %+v", p.listed)
	}
}

func TestMatchSettle(t *testing.T) {
	t.Parallel()
	p, carried := &previews{}, ""
	h := newAPI().MatchSettle(p, func(_ context.Context, kind string, _ journal.Type, _ string) error {
		carried += kind
		return nil
	})
	_, _, answer := call(t, h, &everybody, "POST", "/sync/matches/"+anID, `{"row_id":"`+anID+`"}`)
	if got := shape(t, answer); got != `{"database":"partners","other_pages_new":0,"page_id":"`+anID+`","row_id":"`+anID+`","rows_new":1}` {
		t.Error(got)
	}
	if want := (journal.Settling{PageID: anID, RowID: anID, By: "desk", At: now}); p.said != want || carried != "partners" {
		t.Errorf("said %+v, carried out for %q", p.said, carried)
	}
	if _, _, answer = call(t, h, &everybody, "POST", "/sync/matches/"+anID, `{"new":true}`); p.said.RowID != "" || answer["success"] != true {
		t.Errorf("new: %+v, %v", p.said, answer)
	}
}

// TestRunsAndMatchesRefuse what they cannot answer, and say why.
func TestRunsAndMatchesRefuse(t *testing.T) {
	t.Parallel()
	reader := access.Principal{Client: "reader", Scopes: []access.Scope{access.Read}}
	p := &previews{err: fault.New(fault.NotFound, "There is no run.")}
	run, matches := newAPI().Run(p), newAPI().Matches(p)
	mapped := newAPI()
	mapped.Kinds = []string{"partners", "projects"}
	settle := newAPI().MatchSettle(p, func(context.Context, string, journal.Type, string) error { t.Error("carried out"); return nil })
	path := "/sync/matches/" + anID
	cases := map[string]struct {
		handler              http.Handler
		as                   *access.Principal
		method, target, body string
		status               int
		says                 string
	}{
		"nobody":                   {run, nil, "GET", "/sync/runs/" + anID, "", 401, "Say who"},
		"no id":                    {run, &reader, "GET", "/sync/runs/latest", "", 404, "no id"},
		"no such run":              {run, &reader, "GET", "/sync/runs/" + anID, "", 404, "no run"},
		"a limit too high":         {run, &reader, "GET", "/sync/runs/" + anID + "?limit=501", "", 400, "1 to 500"},
		"a cursor of its own":      {matches, &reader, "GET", "/sync/matches?cursor=x", "", 400, "next_cursor"},
		"matches of no database":   {mapped.Matches(p), &reader, "GET", "/sync/matches?database=partner", "", 400, `no database "partner"; there are partners, projects`},
		"a run of no database":     {mapped.Run(p), &reader, "GET", "/sync/runs/" + anID + "?database=partner", "", 400, "no database"},
		"conflicts of no database": {mapped.Conflicts(nil), &reader, "GET", "/sync/conflicts?database=partner", "", 400, "no database"},
		"errors of no database":    {mapped.Errors(nil), &reader, "GET", "/sync/errors?database=partner", "", 400, "no database"},
		"retries of no database":   {mapped.ErrorsRetry(nil, nil), &everybody, "POST", "/sync/errors/retry", `{"database":"partner"}`, 400, "no database"},
		"an empty cursor":          {matches, &reader, "GET", "/sync/matches?cursor=", "", 400, "next_cursor"},
		"unknown parameter":        {matches, &reader, "GET", "/sync/matches?kind=partners", "", 400, "no parameter"},
		"only a reader":            {settle, &reader, "POST", path, `{"new":true}`, 403, `"sync"`},
		"nothing decided":          {settle, &everybody, "POST", path, `{}`, 400, "row_id"},
		"both decided":             {settle, &everybody, "POST", path, `{"new":true,"row_id":"` + anID + `"}`, 400, "row_id"},
		"no row's id":              {settle, &everybody, "POST", path, `{"row_id":"x"}`, 400, "GET /sync/matches"},
		"no page's id":             {settle, &everybody, "POST", "/sync/matches/x", `{"new":true}`, 404, "no id"},
		"no doubt":                 {settle, &everybody, "POST", path, `{"new":true}`, 404, "no run"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, _, answer := call(t, c.handler, c.as, c.method, c.target, c.body)
			if message, _ := answer["message"].(string); status != c.status || !strings.Contains(message, c.says) {
				t.Errorf("%d %v", status, answer)
			}
		})
	}
}

// TestHeldList: what waits is listed, of one database where it is named.
func TestHeldList(t *testing.T) {
	t.Parallel()
	a := newAPI()
	a.Kinds = []string{"partners", "projects"}
	h := a.HeldList(func(context.Context) ([]journal.Hold, error) {
		return []journal.Hold{
			{ID: anID, Kind: "partners", Side: merge.Notion, Status: journal.Waiting, Records: 30, Total: 90, At: now},
			{ID: anID, Kind: "projects", Side: merge.Supabase, Status: journal.Waiting, Records: 40, Total: 50, At: now},
		}, nil
	})
	for target, want := range map[string]float64{"/": 2, "/?database=projects": 1} {
		if status, _, answer := call(t, h, &everybody, "GET", target, ""); status != 200 || answer["total"] != want || answer["next_cursor"] != nil {
			t.Errorf("%s: %d %v", target, status, answer)
		}
	}
	if status, _, answer := call(t, h, &everybody, "GET", "/?database=partner", ""); status != 400 {
		t.Errorf("%d %v", status, answer)
	}
}
