package notionsim_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim"
)

func TestTimesAreRoundedDownToTheMinute(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rounding, since string
		first, second   bool // whether the edits at 12:00:10 and 12:00:50 are found
	}{
		{"rounded", "2026-11-23T12:00:00.000Z", true, true},
		{"rounded", "2026-11-23T12:00:30.000Z", false, false},
		{"rounded", "2026-11-23T12:01:00.000Z", false, false},
		{"raw", "2026-11-23T12:00:00.000Z", true, true},
		{"raw", "2026-11-23T12:00:30.000Z", false, true},
		{"raw", "2026-11-23T12:00:50.000Z", false, true},
		{"raw", "2026-11-23T12:00:50.001Z", false, false},
		{"raw", "2026-11-23T23:00:30.000+11:00", false, true},
		{"rounded", "2026-11-23", true, true},
		{"raw", "2026-11-24", false, false},
	} {
		t.Run(c.rounding+" since "+c.since, func(t *testing.T) {
			t.Parallel()
			sim, bot := start(t)
			if err := sim.SetOptions(func(o *notionsim.Options) { o.Rounding = c.rounding }); err != nil {
				t.Fatal(err)
			}
			source := bot.source(sim, "projects")
			sim.Clock().Set(noon().Add(10 * time.Second))
			first := bot.createIn(source, map[string]any{"Name": title("First")})
			sim.Clock().Advance(40 * time.Second)
			second := bot.createIn(source, map[string]any{"Name": title("Second")})
			for _, timestamp := range []string{"created_time", "last_edited_time"} {
				for _, order := range []string{"ascending", "descending"} {
					ids, _ := walk(t, bot, source, map[string]any{
						"filter": map[string]any{"timestamp": timestamp, timestamp: map[string]any{"on_or_after": c.since}},
						"sorts":  []any{map[string]any{"timestamp": timestamp, "direction": order}},
					})
					got := make(map[string]bool)
					for _, id := range ids {
						got[id] = true
					}
					if got[first] != c.first || got[second] != c.second {
						t.Errorf("%s, %s: the first is found: %v, the second: %v", timestamp, order, got[first], got[second])
					}
				}
			}
			if shown := bot.get("/v1/pages/" + second).ok().text("last_edited_time"); shown != "2026-11-23T12:00:00.000Z" {
				t.Errorf("shown as %s", shown)
			}
		})
	}
}

func TestTimeConditions(t *testing.T) {
	t.Parallel()
	sim, bot := start(t, func(c *notionsim.Config) { c.Demo = true })
	source := bot.source(sim, "projects")
	sim.Clock().Set(noon().Add(30 * time.Second)) // a Monday
	page := bot.createIn(source, map[string]any{"Name": title("Now"), "Start Date": map[string]any{"date": map[string]any{"start": "2026-11-26"}}})
	for name, c := range map[string]struct {
		filter string
		found  bool
	}{
		"equals the day":               {`{"timestamp":"created_time","created_time":{"equals":"2026-11-23"}}`, true},
		"equals the rounded minute":    {`{"timestamp":"created_time","created_time":{"equals":"2026-11-23T12:00:00Z"}}`, true},
		"before that minute":           {`{"timestamp":"created_time","created_time":{"before":"2026-11-23T12:00:00Z"}}`, false},
		"on or before that minute":     {`{"timestamp":"created_time","created_time":{"on_or_before":"2026-11-23T12:00:00Z"}}`, true},
		"after that minute":            {`{"timestamp":"created_time","created_time":{"after":"2026-11-23T12:00:00Z"}}`, false},
		"after the day before":         {`{"timestamp":"created_time","created_time":{"after":"2026-11-22"}}`, true},
		"after the day":                {`{"timestamp":"created_time","created_time":{"after":"2026-11-23"}}`, false},
		"today":                        {`{"timestamp":"created_time","created_time":{"equals":"today"}}`, true},
		"within a week":                {`{"timestamp":"last_edited_time","last_edited_time":{"past_week":{}}}`, true},
		"this week":                    {`{"timestamp":"last_edited_time","last_edited_time":{"this_week":{}}}`, true},
		"never empty":                  {`{"timestamp":"created_time","created_time":{"is_empty":true}}`, false},
		"a date of next week":          {`{"property":"Start Date","date":{"next_week":{}}}`, true},
		"a date after today":           {`{"property":"Start Date","date":{"after":"today"}}`, true},
		"a date before a time":         {`{"property":"Start Date","date":{"before":"2026-11-26T00:00:00Z"}}`, false},
		"a date that is not":           {`{"property":"End Date","date":{"is_not_empty":true}}`, false},
		"created and edited":           {`{"and":[{"timestamp":"created_time","created_time":{"on_or_after":"2026-11-23"}},{"timestamp":"last_edited_time","last_edited_time":{"on_or_after":"2026-11-23"}}]}`, true},
		"created or something else":    {`{"or":[{"timestamp":"created_time","created_time":{"on_or_after":"2030-01-01"}},{"property":"Name","title":{"equals":"Now"}}]}`, true},
		"created, and something else":  {`{"and":[{"timestamp":"created_time","created_time":{"on_or_after":"2026-11-23"}},{"property":"Name","title":{"equals":"Then"}}]}`, false},
		"long ago and lately":          {`{"and":[{"timestamp":"created_time","created_time":{"before":"2025-01-01"}},{"timestamp":"created_time","created_time":{"after":"2026-01-01"}}]}`, false},
		"a group in a group of nobody": {`{"and":[{"or":[{"property":"Name","title":{"starts_with":"no"}},{"property":"Name","title":{"equals":""}}]}]}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows := bot.on(t).post("/v1/data_sources/"+source+"/query", `{"filter":`+c.filter+`}`).ok()
			found := false
			for i := range rows.list("results") {
				found = found || rows.text("results", i, "id") == page
			}
			if found != c.found {
				t.Errorf("found: %v", found)
			}
		})
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	if err := sim.SetOptions(func(o *notionsim.Options) { o.Budget = 3 }); err != nil {
		t.Fatal(err)
	}
	clock := sim.Clock()
	clock.Set(noon())
	for range 3 {
		bot.get("/v1/users/me").ok()
		clock.Advance(7 * time.Second)
	}
	refused := bot.get("/v1/users/me").refused(http.StatusTooManyRequests, "rate_limited", "You have been rate limited")
	if got := refused.header.Get("Retry-After"); got != "39" {
		t.Errorf("Retry-After %q, but the window ends in 39 s", got)
	}
	if got := refused.text("additional_data", "rate_limit_reason"); got != "public_api_request_rate_limit" {
		t.Errorf("rate_limit_reason %q", got)
	}
	bot.person().get("/v1/users/me").ok() // a person has no budget
	clock.Advance(38*time.Second + 999*time.Millisecond)
	bot.get("/v1/users/me").refused(http.StatusTooManyRequests, "rate_limited", "")
	clock.Advance(time.Millisecond)
	bot.get("/v1/users/me").ok()
	if stats := sim.Stats(); stats.RateLimited != 2 || stats.Requests["GET /v1/users/me"] != 6 || stats.PersonRequests != 1 {
		t.Errorf("%+v", stats)
	}
	if err := sim.SetOptions(func(o *notionsim.Options) { o.Budget, o.WorkspaceBudget = 100, 1 }); err != nil {
		t.Fatal(err)
	}
	bot.get("/v1/users/me").ok()
	if got := bot.get("/v1/users/me").text("additional_data", "rate_limit_reason"); got != "public_api_space_request_rate_limit" {
		t.Errorf("rate_limit_reason of the workspace is %q", got)
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	page := bot.createIn(bot.source(sim, "projects"), map[string]any{"Name": title("Dated")})
	for _, c := range []struct{ written, shown string }{
		{`{"start":"2026-11-23"}`, `{"start":"2026-11-23","end":null,"time_zone":null}`},
		{`{"start":"2026-11-23","end":"2026-11-30"}`, `{"start":"2026-11-23","end":"2026-11-30","time_zone":null}`},
		{`{"start":"2026-11-23T10:00:00Z"}`, `{"start":"2026-11-23T10:00:00.000+00:00","end":null,"time_zone":null}`},
		{`{"start":"2026-11-23T10:00"}`, `{"start":"2026-11-23T10:00:00.000+00:00","end":null,"time_zone":null}`},
		{`{"start":"2026-11-23T10:00:00.123+11:00","end":"2026-11-23T12:00:59.999+11:00"}`, `{"start":"2026-11-23T10:00:00.000+11:00","end":"2026-11-23T12:00:00.000+11:00","time_zone":null}`},
		{`{"start":"1900-01-01T00:00:30+10:04"}`, `{"start":"1900-01-01T00:00:00.000+10:04","end":null,"time_zone":null}`},
		{`{"start":"2026-07-25T16:57:28.513237Z","time_zone":"UTC"}`, `{"start":"2026-07-25T16:57:00.000+00:00","end":null,"time_zone":null}`},
		{`{"start":"2026-11-23T10:00:00Z","time_zone":"Australia/Sydney"}`, `{"start":"2026-11-23T21:00:00.000+11:00","end":null,"time_zone":null}`},
		{`{"start":"2026-11-23T10:00:00","time_zone":"Australia/Sydney"}`, `{"start":"2026-11-23T10:00:00.000+11:00","end":null,"time_zone":null}`},
		{`null`, `null`},
	} {
		a := bot.patch("/v1/pages/"+page, `{"properties":{"Start Date":{"date":`+c.written+`}}}`).ok()
		if got := compact(a.at("properties", "Start Date", "date")); got != normal(t, c.shown) {
			t.Errorf("%s is shown as %s, want %s", c.written, got, c.shown)
		}
	}
	if err := sim.SetOptions(func(o *notionsim.Options) { o.KeepTimeZone, o.KeepSeconds = true, true }); err != nil {
		t.Fatal(err)
	}
	a := bot.patch("/v1/pages/"+page, `{"properties":{"Start Date":{"date":{"start":"2026-11-23T10:00:28.513","time_zone":"Australia/Sydney"}}}}`).ok()
	if got := a.text("properties", "Start Date", "date", "time_zone"); got != "Australia/Sydney" {
		t.Errorf("time_zone is %q", got)
	}
	if got := a.text("properties", "Start Date", "date", "start"); got != "2026-11-23T10:00:28.513+11:00" {
		t.Errorf("start is %q", got)
	}
}

// A filter's time is cut to the minute where it is compared with a date, and is not where it is compared with a page's own times.
func TestFiltersCompareDatesByTheMinute(t *testing.T) {
	t.Parallel()
	sim, bot := start(t)
	source := bot.source(sim, "projects")
	page := bot.createIn(source, map[string]any{"Name": title("Dated"), "Start Date": map[string]any{"date": map[string]any{
		"start": "2026-06-27T18:01:59.5", "time_zone": "Europe/London",
	}}})
	for _, c := range []struct {
		condition, at string
		found         bool
	}{
		{"equals", "2026-06-27T18:01:15.377824+01:00", true}, // as recorded
		{"equals", "2026-06-27T18:02:00+01:00", false},
		{"on_or_after", "2026-06-27T18:01:30+01:00", true},
		{"after", "2026-06-27T18:00:59+01:00", true},
		{"after", "2026-06-27T18:01:00+01:00", false},
		{"before", "2026-06-27T18:01:59+01:00", false},
		{"before", "2026-06-27T18:02:00+01:00", true},
		{"on_or_before", "2026-06-27T18:01:00+01:00", true},
	} {
		t.Run(c.condition+" "+c.at, func(t *testing.T) {
			t.Parallel()
			ids, _ := walk(t, bot.on(t), source, map[string]any{
				"filter": map[string]any{"property": "Start Date", "date": map[string]any{c.condition: c.at}},
			})
			if got := slices.Contains(ids, page); got != c.found {
				t.Errorf("found: %v", got)
			}
		})
	}
}
