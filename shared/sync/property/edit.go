package property

// WithPlainText returns the text that reads s and keeps of base what s leaves alone: runs outside the changed stretches keep
// their style, links and mentions. New words take the style of those they replace, or of what stands before them. A
// mention or an equation of which a part changed becomes plain text.
func WithPlainText(base Text, s string) Text {
	old := PlainText(base)
	if old == s {
		return base
	}
	var runs []Run
	for _, e := range diff(old, s) {
		if e.kept {
			runs = append(runs, slice(base, e.from, e.to, len(old))...)
		} else if e.text != "" {
			runs = append(runs, substitute(base, e))
		}
	}
	return join(runs)
}

// slice returns what base shows between two places. A run that shows nothing belongs to what follows it.
func slice(base Text, from, to, end int) []Run {
	var runs []Run
	start := 0
	for _, run := range base {
		stop := start + len(run.Text)
		lo, hi := max(start, from), min(stop, to)
		switch {
		case start == stop && from <= start && (start < to || start == to && to == end):
			runs = append(runs, run)
		case lo >= hi:
		case run.Kind == RunText:
			run.Text = run.Text[lo-start : hi-start]
			runs = append(runs, run)
		case lo == start && hi == stop:
			runs = append(runs, run)
		default:
			runs = append(runs, Run{Kind: RunText, Text: run.Text[lo-start : hi-start], Style: run.Style})
		}
		start = stop
	}
	return runs
}

// substitute returns the run for text that is new: in the style of what it replaces, or of what stands before it. It is part
// of a link only if it replaces some of the link or stands within it.
func substitute(base Text, e edit) Run {
	run := Run{Kind: RunText, Text: e.text}
	start := 0
	for _, r := range base {
		stop := start + len(r.Text)
		replaced := e.from < e.to && start <= e.from && e.from < stop
		within := e.from == e.to && start < e.from && e.from < stop
		after := e.from == e.to && (e.from == stop || e.from == 0)
		if replaced || within || after {
			run.Style = r.Style
			if r.Kind == RunText && !after {
				run.Link = r.Link
			}
			return run
		}
		start = stop
	}
	return run
}
