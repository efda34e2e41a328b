package property

import (
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// How a Date spells its ends.
const (
	LayoutDay     = "2006-01-02"
	LayoutInstant = "2006-01-02T15:04:05.000-07:00"
)

// layoutWallClock is an instant whose offset is left to Date.Zone.
const layoutWallClock = "2006-01-02T15:04:05.000"

// dateObject is Notion's date, in answers and in requests.
//
// https://developers.notion.com/reference/page-property-values#date
type dateObject struct {
	Start string `json:"start"`
	End   string `json:"end,omitempty"`
	Zone  string `json:"time_zone,omitempty"`
}

// canonicalTime returns a day, an instant or a wall clock in its one spelling: milliseconds, and an offset in digits. What
// is none of these stays as it is: Notion holds it, so it is carried.
func canonicalTime(s string) string {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.Format(LayoutInstant)
	}
	if t, err := time.Parse("2006-01-02T15:04:05", s); err == nil {
		return t.Format(layoutWallClock)
	}
	return s
}

// canonicalInstant returns a moment in its one spelling, whatever offset it came with.
func canonicalInstant(s string) string {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC().Format(LayoutInstant)
	}
	return s
}

// wallClock takes the offset off an instant.
func wallClock(s string) string {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.Format(layoutWallClock)
	}
	return s
}

// encodeDate returns a date in request form. Notion refuses a time_zone beside an offset or a day, and takes a wall clock
// without a zone for UTC.
func encodeDate(d Date) (any, error) {
	start, err := encodeEnd(d.Start, d.Zone)
	if err != nil {
		return nil, err
	}
	object := dateObject{Start: start, Zone: d.Zone}
	if d.End != "" {
		if object.End, err = encodeEnd(d.End, d.Zone); err != nil {
			return nil, err
		}
	}
	return object, nil
}

func encodeEnd(s, zone string) (string, error) {
	if _, err := time.Parse(LayoutDay, s); err == nil {
		if zone != "" {
			return "", fault.New(fault.Invalid, "A day has no time zone in Notion: leave the zone %q out, or give a time of day.", zone)
		}
		return s, nil
	}
	if _, err := time.Parse(time.RFC3339, s); err == nil {
		if zone != "" {
			return wallClock(s), nil
		}
		return canonicalTime(s), nil
	}
	if t, err := time.Parse("2006-01-02T15:04:05", s); err == nil {
		if zone != "" {
			return t.Format(layoutWallClock), nil
		}
		return t.UTC().Format(LayoutInstant), nil
	}
	return "", fault.New(fault.Invalid, "%.40q is not a date that Notion takes: write 2026-11-23 or 2026-11-23T10:00:00+11:00.", s)
}
