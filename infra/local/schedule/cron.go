package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	firstYear = 1970
	lastYear  = 2199
)

// cron is a cron expression of EventBridge: six fields, UTC.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html
type cron struct {
	minutes, hours, months, years set
	day                           func(date time.Time) bool // whether a day, given by its midnight, is meant
}

// set holds the values of a field that are meant.
type set map[int]bool

func parseCron(text, arguments string) (Expression, error) {
	fields := strings.Fields(arguments)
	if len(fields) != 6 {
		return nil, fmt.Errorf("%q has %d fields, not 6 (minutes hours day-of-month month day-of-week year)", text, len(fields))
	}
	var c cron
	var err error
	for _, f := range []struct {
		name  string
		text  string
		into  *set
		first int
		last  int
		words []string
	}{
		{"minutes", fields[0], &c.minutes, 0, 59, nil},
		{"hours", fields[1], &c.hours, 0, 23, nil},
		{"month", fields[3], &c.months, 1, 12, months()},
		{"year", fields[5], &c.years, firstYear, lastYear, nil},
	} {
		if *f.into, err = parseSet(f.text, f.first, f.last, f.words); err != nil {
			return nil, fmt.Errorf("%q: %s: %w", text, f.name, err)
		}
	}
	switch {
	case (fields[2] == "?") == (fields[4] == "?"):
		return nil, fmt.Errorf("%q: exactly one of day of month and day of week is ?", text)
	case fields[4] == "?":
		if c.day, err = parseDayOfMonth(fields[2]); err != nil {
			return nil, fmt.Errorf("%q: day of month: %w", text, err)
		}
	default:
		if c.day, err = parseDayOfWeek(fields[4]); err != nil {
			return nil, fmt.Errorf("%q: day of week: %w", text, err)
		}
	}
	return c, nil
}

func months() []string {
	return []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
}

func weekdays() []string { return []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"} }

// parseSet reads a list of values, ranges and steps between first and last. words[i] stands for first+i. A range may go over the end:
// the hours 20-2 are 20 to 23 and 0 to 2.
func parseSet(text string, first, last int, words []string) (set, error) {
	result := set{}
	for item := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(item, "/")
		step := 1
		if stepped {
			var err error
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
				return nil, fmt.Errorf("%q: %q is no step", item, stepText)
			}
		}
		from, to := first, last
		if span != "*" {
			begin, end, ranged := strings.Cut(span, "-")
			var err error
			if from, err = parseValue(begin, first, last, words); err != nil {
				return nil, err
			}
			switch {
			case ranged:
				if to, err = parseValue(end, first, last, words); err != nil {
					return nil, err
				}
			case !stepped:
				to = from
			}
		}
		if from > to {
			to += last - first + 1
		}
		for value := from; value <= to; value += step {
			result[first+(value-first)%(last-first+1)] = true
		}
	}
	return result, nil
}

func parseValue(text string, first, last int, words []string) (int, error) {
	for i, word := range words {
		if strings.EqualFold(text, word) {
			return first + i, nil
		}
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < first || value > last {
		return 0, fmt.Errorf("%q is not within %d and %d", text, first, last)
	}
	return value, nil
}

// parseDayOfMonth reads a set of days, "L", the last day, or "15W", the weekday nearest to the 15th.
func parseDayOfMonth(text string) (func(time.Time) bool, error) {
	if text == "L" {
		return func(date time.Time) bool { return date.Day() == lastDay(date) }, nil
	}
	if number, ok := strings.CutSuffix(text, "W"); ok {
		wanted, err := parseValue(number, 1, 31, nil)
		return func(date time.Time) bool { return date.Day() == nearestWeekday(date, wanted) }, err
	}
	days, err := parseSet(text, 1, 31, nil)
	return func(date time.Time) bool { return days[date.Day()] }, err
}

// parseDayOfWeek reads a set of days, "L", the last day of the week, "6L", the month's last Friday, or "3#2", its second Tuesday.
func parseDayOfWeek(text string) (func(time.Time) bool, error) {
	if text == "L" {
		return func(date time.Time) bool { return date.Weekday() == time.Saturday }, nil
	}
	if day, ok := strings.CutSuffix(text, "L"); ok {
		wanted, err := parseValue(day, 1, 7, weekdays())
		return func(date time.Time) bool { return weekday(date) == wanted && date.Day() > lastDay(date)-7 }, err
	}
	if day, number, ok := strings.Cut(text, "#"); ok {
		wanted, err := parseValue(day, 1, 7, weekdays())
		if err != nil {
			return nil, err
		}
		nth, err := parseValue(number, 1, 5, nil)
		return func(date time.Time) bool { return weekday(date) == wanted && (date.Day()+6)/7 == nth }, err
	}
	days, err := parseSet(text, 1, 7, weekdays())
	return func(date time.Time) bool { return days[weekday(date)] }, err
}

// weekday counts from Sunday, 1.
func weekday(date time.Time) int { return int(date.Weekday()) + 1 }

func lastDay(date time.Time) int {
	return time.Date(date.Year(), date.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// nearestWeekday returns the day from Monday to Friday that is nearest to the wanted day, within its month; 0 when the month has no
// such day.
func nearestWeekday(date time.Time, wanted int) int {
	last := lastDay(date)
	if wanted > last {
		return 0
	}
	switch time.Date(date.Year(), date.Month(), wanted, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if wanted == 1 {
			return 3
		}
		return wanted - 1
	case time.Sunday:
		if wanted == last {
			return wanted - 2
		}
		return wanted + 1
	default:
		return wanted
	}
}

// Next looks through the days to come.
func (c cron) Next(t time.Time) time.Time {
	t = t.UTC().Truncate(time.Minute).Add(time.Minute)
	for date := t.Truncate(24 * time.Hour); date.Year() <= lastYear; date = date.AddDate(0, 0, 1) {
		if !c.years[date.Year()] || !c.months[int(date.Month())] || !c.day(date) {
			continue
		}
		for hour := range 24 {
			if !c.hours[hour] {
				continue
			}
			for minute := range 60 {
				due := date.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
				if c.minutes[minute] && !due.Before(t) {
					return due
				}
			}
		}
	}
	return time.Time{}
}
