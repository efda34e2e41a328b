package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// tourist uses a running system as the README's tour does.
type tourist struct {
	*running
	db *pgx.Conn
}

// send returns the status and the answer of a request. The API's requests carry the key, Notion's the person's token.
func (u *tourist) send(t *testing.T, method, url, body string) (int, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-API-Key", u.env["API_KEY"])
	if strings.HasPrefix(url, u.env["NOTION_URL"]) {
		request.Header.Set("Authorization", "Bearer "+u.env["NOTION_PERSON_TOKEN"])
		request.Header.Set("Notion-Version", "2026-03-11")
		request.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{Timeout: time.Minute, Transport: promised}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

func (u *tourist) api(path string) string {
	return u.env["API_URL"] + "/api/enhanced-integration" + path
}

// exec and ask are psql.
func (u *tourist) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := u.db.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func (u *tourist) ask(t *testing.T, sql string, args ...any) (answer string) {
	t.Helper()
	if err := u.db.QueryRow(t.Context(), sql, args...).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return answer
}

// settle waits until no sync is under way.
func (u *tourist) settle(t *testing.T) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(time.Minute); u.ask(t, `select count(*)::text from integration.sync_runs where finished_at is null`) != "0"; {
		select {
		case <-deadline:
			t.Fatalf("the sync does not end\n%s", u.out)
		case <-ticker.C:
		}
	}
}

// sync triggers a full sync and waits for its end.
func (u *tourist) sync(t *testing.T) {
	t.Helper()
	status, answer := u.send(t, "POST", u.api("/sync/trigger"), `{"type":"full"}`)
	var run struct {
		ID string `json:"sync_id"`
	}
	if err := json.Unmarshal(answer, &run); err != nil || (status != http.StatusAccepted && status != http.StatusConflict) {
		t.Fatalf("trigger: %d %s", status, answer)
	}
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(time.Minute); ; {
		switch state := u.ask(t, `select status from integration.sync_runs where id = $1`, run.ID); state {
		case "succeeded":
			return
		case "running", "queued":
		default:
			t.Fatalf("the sync %s: %s", state, u.ask(t, `select string_agg(error, '; ') from integration.sync_run_databases where run_id = $1`, run.ID))
		}
		select {
		case <-deadline:
			t.Fatalf("the sync does not end\n%s", u.out)
		case <-ticker.C:
		}
	}
}

// page returns a partner's page as a person reads it.
func (u *tourist) page(t *testing.T, name string) string {
	t.Helper()
	id := u.ask(t, `select notion_id from notion_partners where row_data->>'name' = $1`, name)
	status, answer := u.send(t, "GET", u.env["NOTION_URL"]+"/v1/pages/"+id, "")
	if status != http.StatusOK {
		t.Fatalf("page of %s: %d %s", name, status, answer)
	}
	return string(answer)
}

func (u *tourist) editPage(t *testing.T, name, properties string) {
	t.Helper()
	id := u.ask(t, `select notion_id from notion_partners where row_data->>'name' = $1`, name)
	if status, answer := u.send(t, "PATCH", u.env["NOTION_URL"]+"/v1/pages/"+id, `{"properties":`+properties+`}`); status != http.StatusOK {
		t.Fatalf("edit %s: %d %s", name, status, answer)
	}
}

// requests returns how many requests Notion had since it was last asked.
func (u *tourist) requests(t *testing.T) (n int) {
	t.Helper()
	var stats struct {
		Total     int `json:"total"`
		Unchanged int `json:"unchanged_writes"`
	}
	_, answer := u.send(t, "GET", u.env["NOTION_URL"]+"/_sim/stats", "")
	if err := json.Unmarshal(answer, &stats); err != nil || stats.Unchanged > 0 {
		t.Fatalf("stats: %s %v", answer, err)
	}
	u.send(t, "POST", u.env["NOTION_URL"]+"/_sim/stats/reset", "")
	return stats.Total
}

const (
	partner = "Aotearoa Restorative Practice Trust"
	hobart  = `{"Location":{"rich_text":[{"text":{"content":"Hobart"}}]}}`
	cairns  = `{"Location":{"rich_text":[{"text":{"content":"Cairns"}}]}}`
)

// arrive starts a system and connects to its database.
func arrive(t *testing.T, environ ...string) *tourist {
	t.Helper()
	return arriveAt(t, filepath.Join(t.TempDir(), "state"), environ...)
}

// arriveAt is arrive on a state of the test's.
func arriveAt(t *testing.T, state string, environ ...string) *tourist {
	t.Helper()
	u := &tourist{running: startSystem(t, state, environ...)}
	var err error
	if u.db, err = pgx.Connect(t.Context(), u.env["DATABASE_URL"]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = u.db.Close(context.Background()) })
	return u
}

// TestTour is what the README promises, through the built functions.
func TestTour(t *testing.T) {
	t.Parallel()
	u := arrive(t, "SYNC_SCHEDULE=rate(1 day)") // its requests are counted
	u.sync(t)
	if n := u.requests(t); n > 14 { // 4 databases found, 4 schemas, 4 listings; a health check may fall in
		t.Errorf("the first sync took %d requests", n)
	}
	if counts := u.ask(t, `select concat_ws(' ', (select count(*) from partners), (select count(*) from projects), (select count(*) from opportunities), (select count(*) from organizations))`); counts != "25 15 30 20" {
		t.Errorf("rows: %s", counts)
	}
	u.sync(t)
	if n := u.requests(t); n > 10 { // 4 schemas, 4 listings
		t.Errorf("the second sync took %d requests", n)
	}

	u.editPage(t, partner, hobart)
	u.sync(t)
	if at := u.ask(t, `select location from partners where name = $1`, partner); at != "Hobart" {
		t.Errorf("a person's edit in Notion: the row has %s", at)
	}
	u.exec(t, `update partners set location = 'Perth' where name = $1`, partner)
	u.exec(t, `insert into partners (name, location) values ('New Friends', 'Darwin')`)
	u.sync(t)
	if !strings.Contains(u.page(t, partner), `"plain_text":"Perth"`) {
		t.Error("an UPDATE does not reach Notion")
	}
	if !strings.Contains(u.page(t, "New Friends"), `"plain_text":"Darwin"`) {
		t.Error("an INSERT does not reach Notion")
	}

	u.exec(t, `delete from partners where name = 'New Friends'`)
	u.editPage(t, partner, cairns)
	u.exec(t, `update partners set description = 'from psql' where name = $1`, partner)
	u.sync(t)
	if !strings.Contains(u.page(t, "New Friends"), `"in_trash":true`) {
		t.Error("a DELETE does not reach Notion")
	}
	if both := u.ask(t, `select location || ', ' || description from partners where name = $1`, partner); both != "Cairns, from psql" {
		t.Errorf("edits of two fields: the row has %s", both)
	}
	if page := u.page(t, partner); !strings.Contains(page, `"plain_text":"Cairns"`) || !strings.Contains(page, `"plain_text":"from psql"`) {
		t.Errorf("edits of two fields: the page is %s", page)
	}

	u.editPage(t, partner, hobart)
	u.exec(t, `update partners set location = 'Broome' where name = $1`, partner)
	u.sync(t)
	if kept := u.ask(t, `select string_agg(concat_ws(' ', field, rule, winner, notion_value, supabase_value), '; ') from integration.sync_conflicts`); kept != `location newest notion "Hobart" "Broome"` {
		t.Errorf("edits of one field: kept is %s", kept)
	}
}

// get reads what the API tells into v.
func (u *tourist) get(t *testing.T, path string, v any) {
	t.Helper()
	status, answer := u.send(t, "GET", u.api(path), "")
	if err := json.Unmarshal(answer, v); err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d %s", path, status, answer)
	}
}

// TestDecisions: what a person has to decide is shown, and done once it is decided, through the built functions.
func TestDecisions(t *testing.T) {
	t.Parallel()
	u := arrive(t)
	u.sync(t)

	u.editPage(t, partner, hobart)
	u.exec(t, `update partners set location = 'Broome' where name = $1`, partner)
	u.exec(t, `update opportunities set tags = (select array_agg('option '||n) from generate_series(1, 101) n) where name = (select min(name) from opportunities)`)
	u.exec(t, `delete from projects`)
	u.sync(t)

	var conflicts struct {
		Conflicts []struct {
			ID, Title, Winner string
			Supabase          string `json:"supabase_value"`
		}
	}
	u.get(t, "/sync/conflicts?database=partners&status=resolved", &conflicts)
	if len(conflicts.Conflicts) != 1 || conflicts.Conflicts[0].Title != partner || conflicts.Conflicts[0].Winner != "notion" || conflicts.Conflicts[0].Supabase != "Broome" {
		t.Fatalf("%+v", conflicts)
	}
	if status, answer := u.send(t, "POST", u.api("/sync/conflicts/"+conflicts.Conflicts[0].ID), `{"keep":"supabase"}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	var refused struct {
		Errors []struct {
			Side, Reason string
			ID           string `json:"record_id"`
		}
	}
	u.get(t, "/sync/errors", &refused)
	if len(refused.Errors) != 1 || refused.Errors[0].Side != "notion" || !strings.Contains(refused.Errors[0].Reason, "100") {
		t.Fatalf("%+v", refused)
	}
	u.exec(t, `update opportunities set tags = '{one}' where id = $1`, refused.Errors[0].ID)
	if status, answer := u.send(t, "POST", u.api("/sync/errors/retry"), `{"record_ids":["`+refused.Errors[0].ID+`"]}`); status != http.StatusAccepted || !strings.Contains(string(answer), `"retried":1`) {
		t.Errorf("%d %s", status, answer)
	}
	var now struct {
		Statistics struct {
			Status struct {
				Held []struct {
					ID, Database, Side string
					Records            int
				}
			}
		} `json:"sync_statistics"`
	}
	u.get(t, "/sync/status", &now)
	held := now.Statistics.Status.Held
	if len(held) != 1 || held[0].Database != "projects" || held[0].Side != "notion" || held[0].Records != 15 {
		t.Fatalf("%+v", held)
	}
	var told strings.Builder
	desk := api{url: u.api(""), key: u.env["API_KEY"], client: http.Client{Timeout: time.Minute}}
	defer desk.client.CloseIdleConnections()
	if err := desk.waiting(t.Context(), &told); err != nil || !strings.Contains(told.String(), "projects       15 deletions in notion wait") {
		t.Errorf("make sync tells %q, %v", &told, err)
	}
	var batch struct{ Version string }
	u.get(t, "/sync/held/"+held[0].ID, &batch)
	if status, answer := u.send(t, "POST", u.api("/sync/held/"+held[0].ID), `{"decision":"refuse"}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	if status, answer := u.send(t, "POST", u.api("/sync/held/"+held[0].ID), `{"decision":"approve","version":"`+batch.Version+`"}`); status != http.StatusConflict {
		t.Errorf("decided twice: %d %s", status, answer)
	}
	u.await(t, "the rows return", `select (count(*) = 15)::text from projects`)
	u.await(t, "the loser is put back", `select (location = 'Broome')::text from partners where name = $1`, partner)
	u.await(t, "the conflict is settled", `select (count(*) = 1)::text from integration.sync_conflicts where status = 'settled'`)
	u.await(t, "the record is taken", `select (count(*) = 0)::text from integration.sync_errors`)
	if page := u.page(t, partner); !strings.Contains(page, `"plain_text":"Broome"`) {
		t.Errorf("the loser is not in Notion: %s", page)
	}
}

// await waits until what is asked is true.
func (u *tourist) await(t *testing.T, what, sql string, args ...any) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(time.Minute); u.ask(t, sql, args...) != "true"; {
		select {
		case <-deadline:
			t.Fatalf("in vain: %s\n%s", what, u.out)
		case <-ticker.C:
		}
	}
}

// TestBadInput: every answer says what to do, through the gateway and the built functions.
func TestBadInput(t *testing.T) {
	t.Parallel()
	u := &tourist{running: startSystem(t, filepath.Join(t.TempDir(), "state"))}
	tests := map[string]struct {
		method, path, body string
		status             int
		says               string
	}{
		"unknown sync type":  {"POST", "/sync/trigger", `{"type":"everything"}`, 400, "type must be"},
		"malformed JSON":     {"POST", "/sync/trigger", `{"type":`, 400, "malformed"},
		"no body":            {"POST", "/sync/trigger", "", 400, "empty"},
		"unknown member":     {"POST", "/sync/trigger", `{"type":"full","x":1}`, 400, `no field \"x\"`},
		"unknown database":   {"POST", "/sync/trigger", `{"type":"full","databases":["ghosts"]}`, 400, "there are partners"},
		"oversized body":     {"POST", "/sync/trigger", string(bytes.Repeat([]byte("a"), 2<<20)), 413, "Send less"},
		"limit of nothing":   {"GET", "/events?limit=0", "", 400, "1 to 500"},
		"negative limit":     {"GET", "/events?limit=-1", "", 400, "1 to 500"},
		"limit in exponents": {"GET", "/events?limit=1e9", "", 400, "1 to 500"},
		"a since of no time": {"GET", "/events?since=yesterday", "", 400, "RFC 3339"},
		"unknown parameter":  {"GET", "/events?foo=1", "", 400, `no parameter \"foo\"`},
		"unknown event type": {"GET", "/events?event_type=nothing", "", 400, "no event type"},
		"a forged cursor":    {"GET", "/events?cursor=zz", "", 400, "next_cursor"},
		"wrong method":       {"DELETE", "/events", "", 405, "Use GET"},
		"no such path":       {"GET", "/nothing", "", 404, "no such path"},
		"unknown status":     {"GET", "/sync/conflicts?status=lost", "", 400, "waiting, resolved"},
		"no conflict's id":   {"GET", "/sync/conflicts/7", "", 404, "no id"},
		"no such conflict":   {"POST", "/sync/conflicts/01a20a00-0000-7000-8000-000000000000", `{"keep":"notion"}`, 404, "GET /sync/conflicts"},
		"two decisions":      {"POST", "/sync/conflicts/01a20a00-0000-7000-8000-000000000000", `{"keep":"notion","value":1}`, 400, "Send"},
		"no record's id":     {"POST", "/sync/errors/retry", `{"record_ids":["x"]}`, 400, "no record_id"},
		"no such hold":       {"POST", "/sync/held/01a20a00-0000-7000-8000-000000000000", `{"decision":"approve","version":"x"}`, 404, "no hold"},
		"a batch not seen":   {"POST", "/sync/held/01a20a00-0000-7000-8000-000000000000", `{"decision":"approve"}`, 400, "needs the version"},
		"no such verdict":    {"POST", "/sync/held/01a20a00-0000-7000-8000-000000000000", `{"decision":"maybe"}`, 400, "approve"},
	}
	for name, test := range tests {
		status, answer := u.send(t, test.method, u.api(test.path), test.body)
		var shape struct {
			Success                              *bool
			Error, Message, RequestID, Timestamp string
			ID                                   string `json:"request_id"`
		}
		if err := json.Unmarshal(answer, &shape); err != nil || shape.Success == nil || *shape.Success || shape.Error == "" || shape.ID == "" || shape.Timestamp == "" {
			t.Errorf("%s: the answer has another shape: %s %v", name, answer, err)
		}
		if status != test.status || !strings.Contains(string(answer), test.says) {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
}
