package query

import (
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// timeCondition reads a condition on an instant, and the stretch of time outside of which it cannot hold.
func timeCondition(n wire.Node, scope Scope) (func(time.Time) bool, Span) {
	name, arg, ok := condition(n)
	if !ok {
		return func(time.Time) bool { return false }, Span{}
	}
	switch name {
	case "is_empty":
		return never, Span{}
	case "is_not_empty":
		return func(time.Time) bool { return true }, Span{}
	case "past_week", "past_month", "past_year", "this_week", "next_week", "next_month", "next_year":
		span := stretch(name, scope.Now)
		return func(t time.Time) bool { return !t.Before(span.From) && !t.After(span.To) }, span
	}
	first, next := bound(arg, scope)
	switch name {
	case "equals":
		return func(t time.Time) bool { return !t.Before(first) && t.Before(next) }, Span{From: first, To: next}
	case "before":
		return func(t time.Time) bool { return t.Before(first) }, Span{To: first}
	case "after":
		return func(t time.Time) bool { return !t.Before(next) }, Span{From: next}
	case "on_or_before":
		return func(t time.Time) bool { return t.Before(next) }, Span{To: next}
	case "on_or_after":
		return func(t time.Time) bool { return !t.Before(first) }, Span{From: first}
	default:
		unknown(n, name)
		return never, Span{}
	}
}

func never(time.Time) bool { return false }

// bound reads the date of a condition as the stretch of time that counts as equal to it: [first, next). A day is a day long, an
// instant as good as nothing.
func bound(n wire.Node, scope Scope) (first, next time.Time) {
	s := n.Text()
	today := scope.Now.UTC().Truncate(24 * time.Hour)
	days := map[string]time.Time{
		"today": today, "tomorrow": today.AddDate(0, 0, 1), "yesterday": today.AddDate(0, 0, -1),
		"one_week_ago": today.AddDate(0, 0, -7), "one_week_from_now": today.AddDate(0, 0, 7),
		"one_month_ago": today.AddDate(0, -1, 0), "one_month_from_now": today.AddDate(0, 1, 0),
	}
	day, ok := days[s]
	if !ok {
		var err error
		if day, err = time.Parse(time.DateOnly, s); err == nil {
			ok = true
		}
	}
	if ok {
		return day, day.AddDate(0, 0, 1)
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			if scope.Cut {
				t = t.Truncate(time.Minute)
			}
			return t, t.Add(time.Nanosecond)
		}
	}
	n.Expect("a valid ISO 8601 date string")
	return time.Time{}, time.Time{}
}

func stretch(name string, now time.Time) Span {
	monday := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -(int(now.UTC().Weekday())+6)%7)
	switch name {
	case "past_week":
		return Span{now.AddDate(0, 0, -7), now}
	case "past_month":
		return Span{now.AddDate(0, -1, 0), now}
	case "past_year":
		return Span{now.AddDate(-1, 0, 0), now}
	case "this_week":
		return Span{monday, monday.AddDate(0, 0, 7).Add(-time.Nanosecond)}
	case "next_week":
		return Span{now, now.AddDate(0, 0, 7)}
	case "next_month":
		return Span{now, now.AddDate(0, 1, 0)}
	default:
		return Span{now, now.AddDate(1, 0, 0)}
	}
}
