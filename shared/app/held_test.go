package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/auth/access"
	"github.com/act-platform/enhanced-integration/shared/sync/journal"
	"github.com/act-platform/enhanced-integration/shared/telemetry/invocation"
)

// TestApprovedIsWhatWasListed: a person approves the deletions that were listed, never others, even where there are as many.
func TestApprovedIsWhatWasListed(t *testing.T) {
	t.Parallel()
	const hold = "01a20a00-0000-7000-8000-000000000001"
	record := func(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }
	person := access.Principal{Client: "person", Scopes: []access.Scope{access.Sync}}
	for name, c := range map[string]struct {
		add, remove int
		body        func(version string) string
		status      int
	}{
		"nothing changed":        {body: approving, status: http.StatusOK},
		"without the version":    {body: func(string) string { return `{"decision":"approve"}` }, status: http.StatusBadRequest},
		"one was added":          {add: 9, body: approving, status: http.StatusConflict},
		"one was taken back":     {remove: 2, body: approving, status: http.StatusConflict},
		"one for another":        {remove: 2, add: 9, body: approving, status: http.StatusConflict},
		"refused, whatever came": {add: 9, body: func(string) string { return `{"decision":"refuse"}` }, status: http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one := connectTwo(t)[0]
			exec := func(statement string, arguments ...any) {
				t.Helper()
				if _, err := one.pool.Exec(t.Context(), statement, arguments...); err != nil {
					t.Fatal(err)
				}
			}
			put := func(n int) {
				t.Helper()
				exec(`insert into integration.sync_held_records (connection_id, kind, row_id, notion_id, hold_id) values ($1, 'partners', $2::uuid, $2::text, $3)`, one.id(), record(n), hold)
				exec(`update integration.sync_holds set records = (select count(*) from integration.sync_held_records where hold_id = $1) where id = $1 and connection_id = $2`, hold, one.id())
			}
			exec(`insert into integration.sync_holds (id, connection_id, kind, side, records, total, created_at) values ($1, $2, 'partners', 'notion', 0, 9, now())`, hold, one.id())
			for n := range 3 {
				put(n + 1)
			}
			h := one.api().Held(one.decisions(one.pool), func(context.Context, string, journal.Type, string) error { return nil })
			send := func(method, query, body string) (status int, answer heldAnswer) {
				t.Helper()
				r := httptest.NewRequestWithContext(t.Context(), method, "/sync/held/"+hold+query, strings.NewReader(body))
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r.WithContext(invocation.WithCall(r.Context(), invocation.Call{RequestID: "r", Authorization: access.Context(person, nil)})))
				if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
					t.Fatal(err)
				}
				return w.Code, answer
			}
			_, seen := send("GET", "", "")
			if len(seen.Records) != 3 || seen.Hold.Records != 3 || seen.Version == "" {
				t.Fatalf("%+v", seen)
			}
			if c.remove > 0 { // as a sync does it
				exec(`delete from integration.sync_held_records where connection_id = $1 and row_id = $2`, one.id(), record(c.remove))
				exec(`update integration.sync_holds set records = records - 1 where id = $1 and connection_id = $2`, hold, one.id())
				if _, now := send("GET", "", ""); now.Hold.Records != 2 || len(now.Records) != 2 {
					t.Errorf("one was taken back, and it shows %+v", now)
				}
			}
			if c.add > 0 {
				put(c.add)
			}
			if status, answer := send("POST", "", c.body(seen.Version)); status != c.status || answer.Success != (c.status == http.StatusOK) {
				t.Errorf("%d %+v", status, answer)
			}
			var is string
			if err := one.pool.QueryRow(t.Context(), `select status from integration.sync_holds where id = $1 and connection_id = $2`, hold, one.id()).Scan(&is); err != nil {
				t.Fatal(err)
			}
			if (is != "waiting") != (c.status == http.StatusOK) {
				t.Errorf("it is %s", is)
			}
			if is != "waiting" {
				return
			}
			var listed []string
			for query := "?limit=1"; ; {
				_, page := send("GET", query, "")
				for _, r := range page.Records {
					listed = append(listed, r.ID)
				}
				if page.Next == nil {
					break
				}
				query = "?limit=1&cursor=" + *page.Next
			}
			_, now := send("GET", "", "")
			if len(listed) != now.Hold.Records || now.Hold.Records != len(now.Records) {
				t.Errorf("pages list %q, of %d", listed, now.Hold.Records)
			}
			if status, answer := send("POST", "", approving(now.Version)); status != http.StatusOK || answer.Hold.Records != len(listed) {
				t.Errorf("with what is listed now: %d %+v", status, answer)
			}
		})
	}
}

func approving(version string) string { return `{"decision":"approve","version":"` + version + `"}` }

type heldAnswer struct {
	Success bool
	Hold    struct{ Records int }
	Version string
	Records []struct {
		ID string `json:"record_id"`
	}
	Next *string `json:"next_cursor"`
}
