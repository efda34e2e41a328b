package value

import (
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// parseDate reads a date. A day stays a day; an instant is cut to the whole minute and spelled with milliseconds and an offset.
// Notion takes the name of a time zone and answers with the offset that it means. Env can ask for the name or for the seconds to be
// kept.
func parseDate(n wire.Node, env Env) Date {
	if !n.Object() {
		return Date{}
	}
	n.Only("start", "end", "time_zone")
	zone := time.UTC
	named := n.Has("time_zone")
	if named {
		var err error
		if zone, err = time.LoadLocation(n.Get("time_zone").Bounded(maxElements)); err != nil {
			n.Get("time_zone").Expect("a valid time zone")
			return Date{}
		}
	}
	start := parseMoment(n.Get("start"), zone, named)
	d := Date{Start: start.spell(env)}
	if n.Has("end") {
		end := parseMoment(n.Get("end"), zone, named)
		if end.day != start.day {
			n.Get("end").Expect("a date like start, both with or both without a time")
		}
		if end.at.Before(start.at) {
			n.Get("end").Expect("on or after start")
		}
		d.End = end.spell(env)
	}
	if named && start.day {
		n.Get("time_zone").Expect("not present for a date without a time")
	}
	if named && env.KeepsZone() {
		d.Zone = zone.String()
	}
	return d
}

// moment is one end of a date: a day or an instant.
type moment struct {
	at  time.Time
	day bool
}

func parseMoment(n wire.Node, zone *time.Location, named bool) moment {
	s := n.Bounded(maxElements)
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return moment{at: t, day: true}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			if named {
				t = t.In(zone)
			}
			return moment{at: t}
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return moment{at: t}
		}
	}
	n.Expect("a valid ISO 8601 date string")
	return moment{}
}

// spell returns a moment as answers carry it.
func (m moment) spell(env Env) string {
	if m.day {
		return m.at.Format(time.DateOnly)
	}
	at := m.at
	if !env.KeepsSeconds() {
		at = at.Add(-time.Duration(at.Second())*time.Second - time.Duration(at.Nanosecond()))
	}
	return at.Format("2006-01-02T15:04:05.000-07:00")
}

func appendDate(b *wire.Buffer, d Date) {
	b.Open()
	b.Key("start").String(d.Start)
	b.Key("end").StringOrNull(d.End)
	b.Key("time_zone").StringOrNull(d.Zone)
	b.Close()
}
