package record

import (
	"encoding/json"
	"maps"
	"time"

	"github.com/act-platform/enhanced-integration/shared/sync/mapping"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

const day = "2006-01-02"

// inMillis and inMicros are how a time of day is written: Notion spells milliseconds, and a column may hold microseconds.
const (
	inMillis = "2006-01-02T15:04:05.000"
	inMicros = "2006-01-02T15:04:05.000000"
)

// timeOfDay writes a wall clock, with as many digits as it needs.
func timeOfDay(at time.Time) string {
	if at.Nanosecond()%int(time.Millisecond) == 0 {
		return at.Format(inMillis)
	}
	return at.Format(inMicros)
}

// instant writes a time with its offset.
func instant(at time.Time) string { return timeOfDay(at) + at.Format("Z07:00") }

// dateColumn shows a date: its first day, as it is written there; its first instant; or all of it.
func dateColumn(t mapping.ColumnType, d property.Date) json.RawMessage {
	switch t {
	case mapping.Day:
		return encoded(d.Start[:min(len(d.Start), len(day))])
	case mapping.Timestamptz:
		at, err := parseStart(d)
		if err != nil {
			return null
		}
		return encoded(at)
	default:
		return encoded(dateJSON{Start: d.Start, End: orNull(d.End), Zone: orNull(d.Zone)})
	}
}

// dateOver returns the column of a date in jsonb where the column held was before: keys of the application's own stay, and so does an end of the date
// that Notion shows as before.
func dateOver(f mapping.Field, d property.Date, column, was json.RawMessage) json.RawMessage {
	var next, before map[string]json.RawMessage
	if json.Unmarshal(column, &next) != nil || json.Unmarshal(was, &before) != nil {
		return column
	}
	over := maps.Clone(before)
	maps.Copy(over, next)
	value, _ := dateFromJSON(f, was) // no date: nothing of it stays
	if then, is := value.(property.Date); is && then.Zone == d.Zone {
		shows := func(was, now string) bool {
			is := property.Date{Start: now, Zone: d.Zone}
			return was != "" && now != "" && property.Equal(property.Stands(property.TypeDate, property.Date{Start: was, Zone: d.Zone}, is), is)
		}
		if shows(then.Start, d.Start) {
			over["start"] = before["start"]
		}
		if shows(then.End, d.End) {
			over["end"] = before["end"]
		}
	}
	return encoded(over)
}

// dateJSON is a date in a jsonb column, as Notion spells it.
type dateJSON struct {
	Start string  `json:"start"`
	End   *string `json:"end"`
	Zone  *string `json:"time_zone"`
}

// dateFrom puts a changed column back into the date: the date moves as a whole, keeping its time of day, zone and length.
func dateFrom(f mapping.Field, column json.RawMessage, was property.Date) (property.Value, error) {
	if f.ColumnType == mapping.JSONB {
		return dateFromJSON(f, column)
	}
	s, err := decoded[string](f, column)
	if err != nil {
		return nil, err
	}
	if f.ColumnType == mapping.Day {
		to, err := time.Parse(day, s)
		if err != nil {
			return nil, refused(f, column) // infinity, or a year before the first
		}
		return moveDays(was, to), nil
	}
	to, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return nil, refused(f, column)
	}
	return moveTo(was, to), nil
}

func dateFromJSON(f mapping.Field, column json.RawMessage) (property.Value, error) {
	j, err := decoded[dateJSON](f, column)
	if err != nil {
		return nil, err
	}
	d := property.Date{Start: j.Start}
	if j.End != nil {
		d.End = *j.End
	}
	if j.Zone != nil {
		d.Zone = *j.Zone
	}
	if _, err := parseStart(d); err != nil {
		return nil, refused(f, column)
	}
	if _, err := parse(d.End, d.Zone); d.End != "" && err != nil {
		return nil, refused(f, column)
	}
	return d, nil
}

// moveDays moves d to begin on that day.
func moveDays(d property.Date, to time.Time) property.Date {
	from, err := time.Parse(day, d.Start[:min(len(d.Start), len(day))])
	if err != nil {
		return property.Date{Start: to.Format(day)}
	}
	d.Start = to.Format(day) + d.Start[len(day):]
	if end, err := time.Parse(day, d.End[:min(len(d.End), len(day))]); err == nil {
		d.End = end.Add(to.Sub(from)).Format(day) + d.End[len(day):]
	}
	return d
}

// moveTo moves d to begin at that instant. A day stays a day when the instant is the midnight that it was shown as.
func moveTo(d property.Date, to time.Time) property.Date {
	from, err := parseStart(d)
	if err != nil {
		return property.Date{Start: instant(to.UTC())}
	}
	if len(d.Start) == len(day) && to.UTC().Equal(to.UTC().Truncate(24*time.Hour)) {
		return moveDays(d, to.UTC())
	}
	moved := property.Date{Start: spelled(to, from, d), Zone: d.Zone}
	if end, err := parse(d.End, d.Zone); err == nil {
		moved.End = spelled(end.Add(to.Sub(from)), end, d)
	}
	return moved
}

// spelled writes an instant as the date that it replaces was written: with its offset, or without one beside a zone's name.
func spelled(at, like time.Time, d property.Date) string {
	at = at.In(like.Location())
	if d.Zone != "" {
		return timeOfDay(at)
	}
	return instant(at)
}

func parseStart(d property.Date) (time.Time, error) { return parse(d.Start, d.Zone) }

// parse reads a day (as midnight UTC), an instant with its offset, or a local time in the named zone.
func parse(s, zone string) (time.Time, error) {
	if at, err := time.Parse(day, s); err == nil {
		return at, nil
	}
	if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return at, nil
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return time.Time{}, err
	}
	return time.ParseInLocation("2006-01-02T15:04:05.999999999", s, loc)
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
