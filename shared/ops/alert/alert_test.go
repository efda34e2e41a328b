package alert_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/ops/alert"
)

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// TestBoundaries: from when on each condition holds.
func TestBoundaries(t *testing.T) {
	t.Parallel()
	rate := func(errors, calls int64) alert.Samples {
		return alert.Samples{Rates: map[string]alert.Rate{"notion": {Calls: calls, Errors: errors}}}
	}
	token := func(left time.Duration) alert.Samples {
		return alert.Samples{Tokens: map[string]time.Time{"notion": now.Add(left)}}
	}
	fresh := func(age time.Duration) alert.Samples {
		return alert.Samples{Freshness: map[string]time.Duration{"partners": age}}
	}
	for name, c := range map[string]struct {
		key     alert.Key
		samples alert.Samples
		holds   bool
	}{
		"5.00 % of 10,000 calls":   {alert.Key{Condition: alert.HighErrorRate, Subject: "notion"}, rate(500, 10000), false},
		"5.01 % of 10,000 calls":   {alert.Key{Condition: alert.HighErrorRate, Subject: "notion"}, rate(501, 10000), true},
		"one of 20 calls, 5 %":     {alert.Key{Condition: alert.HighErrorRate, Subject: "notion"}, rate(1, 20), false},
		"all of 9 calls":           {alert.Key{Condition: alert.HighErrorRate, Subject: "notion"}, rate(9, 9), false},
		"one of 10 calls":          {alert.Key{Condition: alert.HighErrorRate, Subject: "notion"}, rate(1, 10), true},
		"none of 10 calls":         {alert.Key{Condition: alert.HighErrorRate, Subject: "notion"}, rate(0, 10), false},
		"an empty window":          {alert.Key{Condition: alert.HighErrorRate, Subject: "notion"}, rate(0, 0), false},
		"three syncs failed":       {alert.Key{Condition: alert.SyncFailure}, alert.Samples{FailedSyncs: 3}, false},
		"four syncs failed":        {alert.Key{Condition: alert.SyncFailure}, alert.Samples{FailedSyncs: 4}, true},
		"a token with 24 h + 1 s":  {alert.Key{Condition: alert.TokenExpiry, Subject: "notion"}, token(24*time.Hour + time.Second), false},
		"a token with 24 h":        {alert.Key{Condition: alert.TokenExpiry, Subject: "notion"}, token(24 * time.Hour), true},
		"a token with 24 h - 1 s":  {alert.Key{Condition: alert.TokenExpiry, Subject: "notion"}, token(24*time.Hour - time.Second), true},
		"a token that has expired": {alert.Key{Condition: alert.TokenExpiry, Subject: "notion"}, token(-time.Second), true},
		"a service that is away":   {alert.Key{Condition: alert.ServiceUnavailable, Subject: "notion"}, alert.Samples{Unreachable: map[string]string{"notion": "It does not answer."}}, true},
		"a service that is there":  {alert.Key{Condition: alert.ServiceUnavailable, Subject: "notion"}, alert.Samples{Unreachable: map[string]string{"notion": ""}}, false},
		"no dead letters":          {alert.Key{Condition: alert.DeadLetters, Subject: "sync"}, alert.Samples{DeadLetters: map[string]int{"sync": 0}}, false},
		"a dead letter":            {alert.Key{Condition: alert.DeadLetters, Subject: "sync"}, alert.Samples{DeadLetters: map[string]int{"sync": 1}}, true},
		"an hour old":              {alert.Key{Condition: alert.StaleData, Subject: "partners"}, fresh(time.Hour), false},
		"more than an hour old":    {alert.Key{Condition: alert.StaleData, Subject: "partners"}, fresh(time.Hour + time.Second), true},
		"a clock that jumped back": {alert.Key{Condition: alert.StaleData, Subject: "partners"}, fresh(-time.Hour), false},
		"deletions held":           {alert.Key{Condition: alert.DeletesHeld, Subject: "partners"}, alert.Samples{Held: map[string]int{"partners": 3}}, true},
		"records that differ":      {alert.Key{Condition: alert.Inconsistent}, alert.Samples{Inconsistent: 1}, true},
		"no records that differ":   {alert.Key{Condition: alert.Inconsistent}, alert.Samples{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.samples.Now = now
			v, known := alert.Evaluate(c.samples, alert.Defaults())[c.key]
			if !known || v.Holds != c.holds {
				t.Errorf("known %t, holds %t: %s", known, v.Holds, v.Message)
			}
			// Looked at three times, and then not holding any more, twice: told of once each, if at all.
			want := ""
			if c.holds {
				want = "+-"
			}
			if told := told(map[alert.Key]alert.Verdict{c.key: v}, map[alert.Key]alert.Verdict{c.key: {}}); told != want {
				t.Errorf("told %q", told)
			}
		})
	}
}

// told steps three times through verdicts and twice through those after, a minute apart, and gives what is told.
func told(verdicts, after map[alert.Key]alert.Verdict) string {
	var open []alert.Alert
	said := ""
	for i, v := range []map[alert.Key]alert.Verdict{verdicts, verdicts, verdicts, after, after} {
		for _, c := range alert.Step(open, v, now.Add(time.Duration(i)*time.Minute), alert.Defaults(), func() string { return "1" }) {
			said += map[alert.Event]string{alert.Raised: "+", alert.Resolved: "-"}[c.Event]
			open = []alert.Alert{c.Alert}
			if c.Event == alert.Resolved {
				open = nil
			}
		}
	}
	return said
}

// watch steps through verdicts of one condition, ten minutes apart, and gives what was told.
func watch(t *testing.T, between func(*alert.Alert), holds ...bool) string {
	t.Helper()
	key := alert.Key{Condition: alert.SyncFailure}
	var open []alert.Alert
	ids, told := 0, ""
	for i, h := range holds {
		at := now.Add(time.Duration(i) * 10 * time.Minute)
		changes := alert.Step(open, map[alert.Key]alert.Verdict{key: {Holds: h, Message: "m"}}, at, alert.Defaults(), func() string {
			ids++
			return strconv.Itoa(ids)
		})
		for _, c := range changes {
			switch c.Event {
			case alert.Raised:
				told += "+" + c.Alert.ID
			case alert.Resolved:
				told += "-" + c.Alert.ID
			case alert.Quiet:
			}
			open = []alert.Alert{c.Alert}
			if between != nil {
				between(&open[0])
			}
			if !c.Alert.ResolvedAt.IsZero() {
				open = nil
			}
		}
	}
	return told
}

func TestOnceRaisedOnceResolved(t *testing.T) {
	t.Parallel()
	y, n := true, false
	if got := watch(t, nil, n, y, y, y, n, n, y, n); got != "+1-1+2-2" {
		t.Errorf("told %s", got)
	}
	if got := watch(t, nil, y, y, y, y, y, y, y, y, n); got != "+1+1-1" {
		t.Errorf("told %s, and not again after an hour", got)
	}
	acknowledge := func(a *alert.Alert) { a.AcknowledgedBy = "desk" }
	if got := watch(t, acknowledge, y, y, y, y, y, y, y, y, n); got != "+1-1" {
		t.Errorf("told %s of what is acknowledged", got)
	}
	silence := func(a *alert.Alert) { a.SilencedUntil = now.Add(75 * time.Minute) }
	if got := watch(t, silence, y, y, y, y, y, y, y, y, y, n); got != "+1+1-1" {
		t.Errorf("told %s of what is silenced for 75 minutes", got)
	}
}

// TestUnknownStaysAsItIs: what is not known neither raises nor resolves.
func TestUnknownStaysAsItIs(t *testing.T) {
	t.Parallel()
	open := []alert.Alert{{ID: "1", Key: alert.Key{Condition: alert.ServiceUnavailable, Subject: "notion"}, RaisedAt: now, ToldAt: now}}
	if changes := alert.Step(open, alert.Evaluate(alert.Samples{Now: now}, alert.Defaults()), now, alert.Defaults(), nil); len(changes) != 0 {
		t.Errorf("%+v", changes)
	}
}
