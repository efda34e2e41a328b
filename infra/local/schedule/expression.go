package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Expression says when a schedule is due.
type Expression interface {
	// Next returns the first time after t that is due, in UTC; the zero time when there is none.
	Next(t time.Time) time.Time
}

// Parse reads an EventBridge schedule expression: "rate(5 minutes)" or "cron(0 10 * * ? *)".
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
func Parse(text string) (Expression, error) {
	kind, rest, _ := strings.Cut(text, "(")
	arguments, closed := strings.CutSuffix(rest, ")")
	if closed {
		switch kind {
		case "rate":
			return parseRate(text, arguments)
		case "cron":
			return parseCron(text, arguments)
		}
	}
	return nil, fmt.Errorf("%q is neither rate(value unit) nor cron(fields)", text)
}

// rate is due at the multiples of the interval since 1970, so that a restart does not put it off. EventBridge counts from the moment
// at which the rule was made, which nobody can rely on either.
type rate time.Duration

func parseRate(text, arguments string) (Expression, error) {
	number, unit, _ := strings.Cut(arguments, " ")
	value, err := strconv.Atoi(number)
	if err != nil || value < 1 {
		return nil, fmt.Errorf("%q: %q is no positive number", text, number)
	}
	if value > 1 {
		if singular, ok := strings.CutSuffix(unit, "s"); ok {
			unit = singular
		} else {
			unit = "" // "5 minute" is refused, as on AWS
		}
	}
	length, ok := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[unit]
	if !ok || value > 1_000_000 {
		return nil, fmt.Errorf("%q: the unit is minute, hour or day for 1, minutes, hours or days for more", text)
	}
	return rate(time.Duration(value) * length), nil
}

// Next returns the next multiple of the interval.
func (r rate) Next(t time.Time) time.Time {
	interval := int64(time.Duration(r) / time.Second)
	return time.Unix((t.Unix()/interval+1)*interval, 0).UTC()
}
