package metric

import "time"

// Grain is how long a stretch a row stands for.
type Grain string

// The grains. Rows are counted by minute; what is older is folded.
const (
	Minute Grain = "minute"
	Hour   Grain = "hour"
	Day    Grain = "day"
)

// How long each grain is kept before it is folded into the next, or forgotten.
const (
	KeepMinutes = 3 * time.Hour
	KeepHours   = 8 * 24 * time.Hour
	KeepDays    = 91 * 24 * time.Hour
)

// Length returns how long a stretch of the grain is.
func (g Grain) Length() time.Duration {
	switch g {
	case Hour:
		return time.Hour
	case Day:
		return 24 * time.Hour
	case Minute:
	}
	return time.Minute
}

// Window is a stretch of time up to now that figures are asked for.
type Window struct {
	Name string
	// Grain is what the window is shown by, and what its beginning is rounded down to.
	Grain  Grain
	length time.Duration
}

// Windows returns every window, the shortest first.
func Windows() []Window {
	const day = 24 * time.Hour
	return []Window{
		{"1h", Minute, time.Hour}, {"24h", Hour, day}, {"7d", Hour, 7 * day}, {"30d", Day, 30 * day}, {"90d", Day, 90 * day},
	}
}

// WindowOf returns the window of that name.
func WindowOf(name string) (Window, bool) {
	for _, w := range Windows() {
		if w.Name == name {
			return w, true
		}
	}
	return Window{}, false
}

// From returns where the window begins: at the beginning of the minute, hour or day (UTC) in which now less its length falls. Folded rows
// are then either in it or not.
func (w Window) From(now time.Time) time.Time {
	return now.UTC().Add(-w.length).Truncate(w.Grain.Length())
}

// Point is a stretch of a series.
type Point struct {
	At time.Time
	Total
}

// Series returns a window's stretches in order, those without a call too: so a gap is a gap.
func (w Window) Series(rows []Row, now time.Time, want func(Row) bool) []Point {
	step := w.Grain.Length()
	from := w.From(now)
	points := make([]Point, 0, int(now.Sub(from)/step)+1)
	for at := from; !at.After(now); at = at.Add(step) {
		points = append(points, Point{At: at})
	}
	for _, r := range rows {
		if i := int(r.At.Sub(from) / step); !r.At.Before(from) && i < len(points) && want(r) {
			t := Sum([]Row{r}, nil)
			points[i].Calls += t.Calls
			points[i].Errors += t.Errors
			points[i].Time += t.Time
			points[i].Latency.Merge(t.Latency)
		}
	}
	return points
}
