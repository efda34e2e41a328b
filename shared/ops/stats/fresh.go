package stats

import "time"

// Brought says when a database was brought into step, in a stretch of a window.
type Brought struct {
	Kind string
	At   time.Time     // when the stretch begins; before the window: Last is the last time before it
	Gap  time.Duration // the longest that it went without, up to a time in the stretch
	Last time.Time     // in the stretch
}

// Fresh gives, for each stretch of the window, the longest that a database had not been brought into step by then; nil while one never was.
// The rows are by kind in the order of time.
func (f Facts) Fresh() []*time.Duration {
	step, from := f.Window.Grain.Length(), f.Window.From(f.Now)
	worst := make([]*time.Duration, int(f.Now.Sub(from)/step)+1)
	unknown := make([]bool, len(worst))
	by := map[string][]Brought{}
	for _, b := range f.Brought {
		by[b.Kind] = append(by[b.Kind], b)
	}
	for _, d := range f.Databases {
		rows, last := by[d.Kind], time.Time{}
		for i := range worst {
			start := from.Add(time.Duration(i) * step)
			end := start.Add(step)
			if end.After(f.Now) {
				end = f.Now
			}
			var gap time.Duration
			for len(rows) > 0 && rows[0].At.Before(end) {
				gap, last = max(gap, rows[0].Gap), rows[0].Last
				if rows[0].At.Before(start) {
					gap = 0
				}
				rows = rows[1:]
			}
			if last.IsZero() {
				unknown[i] = true
				continue
			}
			if age := max(gap, end.Sub(last), 0); worst[i] == nil || age > *worst[i] {
				worst[i] = &age
			}
		}
	}
	for i := range worst {
		if unknown[i] {
			worst[i] = nil
		}
	}
	return worst
}
