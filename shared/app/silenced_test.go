package app

import (
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/ops/alert"
)

// TestSilencedAlertThatComesAgain: an alert that somebody silenced for a day tells nobody within it, also when the condition ended for a minute.
func TestSilencedAlertThatComesAgain(t *testing.T) {
	t.Parallel()
	two := connectTwo(t)
	c := two[0]
	alerts := c.alerts(c.pool)
	at := time.Now()
	step := func(holds bool) {
		t.Helper()
		at = at.Add(time.Minute)
		verdicts := map[alert.Key]alert.Verdict{{Condition: alert.HighErrorRate, Subject: "notion"}: {Holds: holds, Message: "many"}}
		if err := alerts.Step(t.Context(), at, func(open []alert.Alert) []alert.Change {
			return alert.Step(open, verdicts, at, alert.Defaults(), newID)
		}); err != nil {
			t.Fatal(err)
		}
	}
	step(true)
	open, err := alerts.List(t.Context(), false, 10)
	if err != nil || len(open) != 1 {
		t.Fatal(open, err)
	}
	if _, err := alerts.Silence(t.Context(), open[0].ID, at.Add(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		step(false)
		step(true)
	}
	if n := c.count(t, `select count(*) from integration.events where connection_id = $1 and type = 'alert_raised'`); n != 1 {
		t.Errorf("told %d times of what was silenced for a day", n)
	}
}
