package settings_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/merge"
	"github.com/act-platform/enhanced-integration/shared/sync/settings"
)

var kinds = []string{"partners", "projects"}

const id = "0123456789abcdef0123456789abcdef"

func was() settings.Settings {
	return settings.Settings{ConnectionID: "c", Policy: merge.Newest, Databases: map[string]string{"projects": id}, Version: 3}
}

func TestWith(t *testing.T) {
	t.Parallel()
	policy, plan, minutes := merge.NotionWins, settings.Business, 15
	is, changed, err := was().With(settings.Patch{
		Policy: &policy, Plan: &plan, Minutes: &minutes, Databases: map[string]string{"partners": id, "projects": ""},
	}, kinds)
	want := settings.Settings{
		ConnectionID: "c", Policy: merge.NotionWins, Plan: settings.Business, Interval: 15 * time.Minute, Databases: map[string]string{"partners": id}, Version: 3,
	}
	if err != nil || !cmp.Equal(is, want) {
		t.Errorf("%v, %v", err, cmp.Diff(want, is))
	}
	wantChanged := []settings.Change{
		{"conflict_policy", "newest", "notion"},
		{"sync_interval_minutes", "0", "15"},
		{"notion_plan", "", "business"},
		{"databases.partners", "", id},
		{"databases.projects", id, ""},
	}
	if !cmp.Equal(changed, wantChanged) {
		t.Error(cmp.Diff(wantChanged, changed))
	}
	if same, changed, err := was().With(settings.Patch{}, kinds); err != nil || len(changed) != 0 || !cmp.Equal(same, was()) {
		t.Errorf("nothing: %v, %v", changed, err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	policy := func(p merge.Rule) settings.Patch { return settings.Patch{Policy: &p} }
	minutes := func(n int) settings.Patch { return settings.Patch{Minutes: &n} }
	plan := func(p settings.Plan) settings.Patch { return settings.Patch{Plan: &p} }
	for name, c := range map[string]struct {
		patch settings.Patch
		says  string
	}{
		"an unknown policy":    {policy("mine"), "conflict_policy must be"},
		"a policy of the code": {policy(merge.OneWay), "conflict_policy must be"},
		"an empty policy":      {policy(""), "conflict_policy must be"},
		"an unknown plan":      {plan("free"), "notion_plan must be"},
		"an empty plan":        {plan(""), "notion_plan must be"},
		"too often":            {minutes(4), "from 5 to 1440"},
		"too seldom":           {minutes(1441), "from 5 to 1440"},
		"before the beginning": {minutes(-5), "from 5 to 1440"},
		"far too seldom":       {minutes(1 << 62), "from 5 to 1440"},
		"an unknown database":  {settings.Patch{Databases: map[string]string{"people": id}}, "no database"},
		"no id":                {settings.Patch{Databases: map[string]string{"partners": "../x"}}, "32 hexadecimal digits"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := was().With(c.patch, kinds); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Message(err), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestEvery(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]time.Duration{
		"rate(5 minutes)": 5 * time.Minute, "rate(1 hour)": time.Hour, "rate(2 days)": 48 * time.Hour, "cron(17 3 * * ? *)": 0, "": 0,
		"rate(99999999999999999999 days)": 0,
	} {
		if got := settings.Every(expression); got != want {
			t.Errorf("%s: %v", expression, got)
		}
	}
	if settings.Standard.Requests() != 180 || settings.Business.Requests() != 600 {
		t.Error("the plans' requests")
	}
}
