package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/act-platform/enhanced-integration/shared/api"
	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/ops/alert"
	"github.com/act-platform/enhanced-integration/shared/ops/stats"
	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
	"github.com/act-platform/enhanced-integration/shared/sync/checker"
	"github.com/act-platform/enhanced-integration/shared/sync/consistency"
	"github.com/act-platform/enhanced-integration/shared/telemetry/metric"
)

const someID = "019ab0b6-5d0e-7d4b-8f0a-000000000001"

// office is what the handlers of this file ask.
type office struct {
	facts   stats.Facts
	stale   bool
	alerts  []alert.Alert
	report  checker.Report
	running string
	asked   []any
}

func (d *office) read(_ context.Context, w metric.Window) (stats.Facts, bool, error) {
	f := d.facts
	f.Window, f.Now = w, now
	return f, d.stale, nil
}

func (d *office) List(context.Context, bool, int) ([]alert.Alert, error) { return d.alerts, nil }

func (d *office) Acknowledge(_ context.Context, id, by string, _ time.Time) (alert.Alert, error) {
	d.asked = append(d.asked, "acknowledge", id, by)
	return alert.Alert{ID: id, Key: alert.Key{Condition: alert.StaleData}, AcknowledgedBy: by}, nil
}

func (d *office) Silence(_ context.Context, id string, until time.Time) (alert.Alert, error) {
	d.asked = append(d.asked, "silence", id, until.Sub(now))
	return alert.Alert{ID: id, Key: alert.Key{Condition: alert.StaleData}, SilencedUntil: until}, nil
}

func (d *office) Read(context.Context, string) (checker.Report, error) { return d.report, nil }

func (d *office) Start(context.Context, string) (string, error) {
	if d.running != "" {
		return d.running, fault.New(fault.Conflict, "It is under way.")
	}
	return someID, nil
}

func (d *office) Repair(_ context.Context, records []checker.Named) ([]checker.Named, []checker.Refusal, error) {
	return records, []checker.Refusal{}, nil
}

func (d *office) invalidate(_ context.Context, kinds []string, pattern, by string) (int64, error) {
	d.asked = append(d.asked, strings.Join(kinds, "+"), pattern, by)
	return 3, nil
}

// circuits are breakers that never opened.
type circuits struct{}

func (circuits) List(context.Context) ([]breaker.Summary, error) { return nil, nil }
func (circuits) Reset(context.Context, string) error {
	return fault.New(fault.NotFound, "None of that name.")
}

var operator = access.Principal{Client: "desk", Scopes: []access.Scope{access.Read, access.Sync, access.Config}}

// TestInsightRefusesBadInput goes through what may be wrong with a request.
func TestInsightRefusesBadInput(t *testing.T) {
	t.Parallel()
	d := &office{running: "other"}
	dashboard, alerts, breakers := newAPI().Dashboard(d.read, &store{}, 180), newAPI().Alerts(d), newAPI().Breakers(circuits{})
	check, repair, invalidate := newAPI().DataConsistency(d, []string{"partners"}), newAPI().RepairConsistency(d), newAPI().CacheInvalidate(d.invalidate)
	reader := access.Principal{Client: "reader", Scopes: []access.Scope{access.Read}}
	many := `{"records":[` + strings.Repeat(`{"database":"partners","record_id":"1"},`, 100) + `{"database":"partners","record_id":"1"}]}`
	for name, c := range map[string]struct {
		handler              http.Handler
		as                   *access.Principal
		method, target, body string
		status               int
		says                 string
	}{
		"a range that is unknown":      {dashboard, &reader, "GET", "/?time_range=2h", "", 400, "1h, 24h, 7d, 30d or 90d"},
		"a range that is negative":     {dashboard, &reader, "GET", "/?time_range=-7d", "", 400, "1h, 24h"},
		"a range that is enormous":     {dashboard, &reader, "GET", "/?time_range=99999999999d", "", 400, "1h, 24h"},
		"an empty range":               {dashboard, &reader, "GET", "/?time_range=", "", 400, "1h, 24h"},
		"two ranges":                   {dashboard, &reader, "GET", "/?time_range=1h&time_range=7d", "", 400, "give it once"},
		"perhaps events":               {dashboard, &reader, "GET", "/?include_events=perhaps", "", 400, "true or false"},
		"the dashboard of nobody":      {dashboard, nil, "GET", "/", "", 401, "Say who you are"},
		"alerts that are neither":      {alerts, &reader, "GET", "/?status=loud", "", 400, "open or all"},
		"an alert without an id":       {alerts, &operator, "POST", "/", `{"action":"acknowledge"}`, 400, "GET /alerts"},
		"an alert with a page's id":    {alerts, &operator, "POST", "/", `{"id":"x","action":"acknowledge"}`, 400, "GET /alerts"},
		"an action that there is not":  {alerts, &operator, "POST", "/", `{"id":"` + someID + `","action":"forget"}`, 400, "acknowledge"},
		"silence for ever":             {alerts, &operator, "POST", "/", `{"id":"` + someID + `","action":"silence","minutes":1000000}`, 400, "from 1 to 10080"},
		"silence for no time":          {alerts, &operator, "POST", "/", `{"id":"` + someID + `","action":"silence"}`, 400, "from 1 to 10080"},
		"a reader acknowledges":        {alerts, &reader, "POST", "/", `{"id":"` + someID + `","action":"acknowledge"}`, 403, `"sync"`},
		"a breaker of no name":         {breakers, &operator, "POST", "/", `{}`, 400, "GET /breakers"},
		"a breaker nobody knows":       {breakers, &operator, "POST", "/", `{"service":"x"}`, 404, "None"},
		"a check that there is not":    {check, &reader, "GET", "/?check_type=all", "", 400, "notion_supabase_sync"},
		"another's table":              {check, &reader, "GET", "/?table_name=api_keys", "", 400, "partners"},
		"a reader begins a deep check": {check, &reader, "GET", "/?deep=true", "", 403, `"sync"`},
		"two deep checks":              {check, &operator, "GET", "/?deep=true", "", 409, "under way"},
		"a repair of nothing":          {repair, &operator, "POST", "/", `{"records":[]}`, 400, "1 to 100"},
		"a repair of too many":         {repair, &operator, "POST", "/", many, 400, "1 to 100"},
		"a repair of no record":        {repair, &operator, "POST", "/", `{"records":[{"database":"partners"}]}`, 400, "record_id or notion_id"},
		"a repair by a reader":         {repair, &reader, "POST", "/", `{}`, 403, `"sync"`},
		"a cache that there is not":    {invalidate, &operator, "POST", "/", `{"cache_type":"redis"}`, 400, "all, notion, supabase or sync"},
		"a pattern that is empty":      {invalidate, &operator, "POST", "/", `{"pattern":""}`, 400, "a star"},
		"a pattern that is long":       {invalidate, &operator, "POST", "/", `{"pattern":"` + strings.Repeat("a", 201) + `"}`, 400, "200 characters"},
		"a pattern with a NUL":         {invalidate, &operator, "POST", "/", `{"pattern":"a\u0000"}`, 400, "plain text"},
		"a cache emptied by a reader":  {invalidate, &reader, "POST", "/", `{}`, 403, `"config"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, _, answer := call(t, c.handler, c.as, c.method, c.target, c.body)
			message, _ := answer["message"].(string)
			if status != c.status || !strings.Contains(message, c.says) || answer["success"] != false {
				t.Errorf("%d %v", status, answer)
			}
		})
	}
}

// TestDashboardWithoutData shows no figure that was not measured.
func TestDashboardWithoutData(t *testing.T) {
	t.Parallel()
	for _, w := range metric.Windows() {
		status, _, answer := call(t, newAPI().Dashboard((&office{}).read, &store{}, 180), &operator, "GET", "/?time_range="+w.Name, "")
		data, _ := answer["dashboard_data"].(map[string]any)
		if status != 200 || answer["time_range"] != w.Name || data == nil {
			t.Fatal(status, answer)
		}
		for _, path := range [][]string{
			{"overview", "uptime_percentage"},
			{"overview", "last_sync"},
			{"sync_metrics", "avg_sync_duration_ms"},
			{"sync_metrics", "data_freshness_minutes"},
			{"performance_metrics", "api_response_times", "notion_avg_ms"},
			{"performance_metrics", "error_rates", "supabase"},
			{"performance_metrics", "cache_hit_rates", "overall"},
		} {
			group, _ := at(data, path[:len(path)-1]...).(map[string]any)
			if v, there := group[path[len(path)-1]]; !there || v != nil {
				t.Errorf("%v is %v", path, v)
			}
		}
	}
}

func TestDashboardLeavesOutWhatIsNotWanted(t *testing.T) {
	t.Parallel()
	_, _, answer := call(t, newAPI().Dashboard((&office{stale: true}).read, &store{}, 180), &operator, "GET", "/?include_events=false&include_performance=false", "")
	if _, there := answer["recent_events"]; there || at(answer, "dashboard_data", "performance_metrics") != nil || answer["stale"] != true || answer["time_range"] != "7d" {
		t.Error(answer)
	}
}

func TestAlertsAreSeenAndSilenced(t *testing.T) {
	t.Parallel()
	d := &office{alerts: []alert.Alert{{ID: someID, Key: alert.Key{Condition: alert.StaleData, Subject: "partners"}, RaisedAt: now}}}
	_, _, answer := call(t, newAPI().Alerts(d), &operator, "GET", "/", "")
	list, _ := answer["alerts"].([]any)
	if first, _ := list[0].(map[string]any); len(list) != 1 || first["title"] != "Partners are out of date" || first["status"] != "raised" {
		t.Error(answer)
	}
	status, _, answer := call(t, newAPI().Alerts(d), &operator, "POST", "/", `{"id":"`+someID+`","action":"silence","minutes":60}`)
	if status != 200 || at(answer, "alert", "status") != "silenced" || d.asked[2] != time.Hour {
		t.Error(status, answer, d.asked)
	}
}

func TestConsistencyReport(t *testing.T) {
	t.Parallel()
	finding := consistency.Finding{Check: consistency.Rows, Kind: "partners", Problem: consistency.RowDiffers, RecordID: someID}
	rows := consistency.Result{Check: consistency.Rows, Kind: "partners", Table: "partners", Base: "notion_partners", Checked: 25, Waiting: 2}
	rows.Add(finding)
	rows.Add(consistency.Finding{Check: consistency.Rows, Kind: "partners", Problem: consistency.RowMissing, RecordID: someID})
	d := &office{report: checker.Report{Rows: consistency.Run{CreatedAt: now, Results: []consistency.Result{rows}}}}
	h := newAPI().DataConsistency(d, []string{"partners", "notion_partners"})
	_, _, answer := call(t, h, &operator, "GET", "/?limit=1", "")
	for name, want := range map[string]any{
		"overall_status": "degraded", "checks_performed": 1.0, "consistent_records": 21.0, "inconsistent_records": 1.0, "missing_records": 1.0, "waiting_records": 2.0,
	} {
		if got := at(answer, "consistency_report", name); got != want {
			t.Errorf("%s is %v, not %v", name, got, want)
		}
	}
	details, _ := at(answer, "consistency_report", "details").([]any)
	detail, _ := details[0].(map[string]any)
	records, _ := detail["records"].([]any)
	if record, _ := records[0].(map[string]any); len(records) != 1 || record["repairable"] != true || detail["status"] != "inconsistent" || detail["source_table"] != "notion_partners" {
		t.Error(detail)
	}
	if _, _, answer := call(t, h, &operator, "GET", "/?check_type=relations", ""); at(answer, "consistency_report", "checks_performed") != 0.0 {
		t.Error(answer)
	}
}

func TestInvalidateSaysWhatWent(t *testing.T) {
	t.Parallel()
	d := &office{}
	status, _, answer := call(t, newAPI().CacheInvalidate(d.invalidate), &operator, "POST", "/", `{"cache_type":"notion","pattern":"(a+)+$"}`)
	if status != 200 || answer["entries_invalidated"] != 3.0 || d.asked[0] != "schema+user+page+health" || d.asked[1] != "(a+)+$" {
		t.Error(status, answer, d.asked)
	}
}

// TestHealthNeverWaitsLong: also for what does not even notice that it is too late.
func TestHealthNeverWaitsLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deaf := func(context.Context) error { <-time.After(time.Minute); return nil }
		began := time.Now()
		status, _, answer := call(t, newAPI().Health(deaf, deaf, &store{}, api.HealthSettings{Notion: byToken, Breakers: func(string) string { return breaker.Open }}), nil, "GET", "/", "")
		if took := time.Since(began); took > 2*time.Second || status != 503 || at(answer, "health", "services", "notion", "breaker") != "open" {
			t.Error(took, status, answer)
		}
		<-time.After(time.Hour) // for the deaf to end
	})
}
