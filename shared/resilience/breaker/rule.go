package breaker

import "time"

const (
	// kept is how many outcomes a window holds at the most.
	kept = 40
	// patience is how long the attempts of a step of the recovery may take to be told. After that the step begins again: whoever made them
	// has died.
	patience = 40 * time.Second
	// stillDead is the share of failures among a step's attempts that opens the breaker again. It is higher than Rule.Share, since a few
	// attempts say little.
	stillDead = 0.8
)

// steps returns how many attempts each step of a recovery lets through. The last one that goes well closes the breaker.
func steps() []int { return []int{3, 6, 12} }

// Rule says when calls to a service are refused, and for how long. Its methods are pure: they map a state to the next.
type Rule struct {
	// Window is how far back outcomes count; a minute when zero.
	Window time.Duration
	// Least is how many outcomes it takes to open the breaker when all of them are failures; 10 when zero.
	Least int
	// Share is the share of failures that opens the breaker; 0.5 when zero. So that a few outcomes do not decide by chance, the window
	// is taken to begin with good ones, as many as make Least true: 10 failures of 10, 15 of 20, 25 of 40 for a share of one half.
	Share float64
	// Cooldown is how long the breaker first stays open; 5 s when zero. It doubles with each recovery that fails, up to Longest, and
	// starts over once a recovery went well.
	Cooldown time.Duration
	// Longest is a minute when zero.
	Longest time.Duration
}

func (r Rule) filled() Rule {
	if r.Window == 0 {
		r.Window = time.Minute
	}
	if r.Least == 0 {
		r.Least = 10
	}
	if r.Share == 0 {
		r.Share = 0.5
	}
	if r.Cooldown == 0 {
		r.Cooldown = 5 * time.Second
	}
	if r.Longest == 0 {
		r.Longest = time.Minute
	}
	r.Longest = max(r.Longest, r.Cooldown)
	return r
}

// The statuses of a breaker.
const (
	Closed   = "closed"
	Open     = "open"
	HalfOpen = "half_open"
)

// State is what all processes know of a service. Its zero value is a closed breaker.
type State struct {
	Status string // Closed, also when "", Open or HalfOpen
	// Until is, while the breaker is open, when the recovery begins, and while it is half open, when the step begins again.
	Until    time.Time
	Cooldown time.Duration // the last one; 0 while closed
	Step     int           // of the recovery, from 0
	Turn     int64         // counts the steps that have begun, so that outcomes of an earlier one are told from those of this
	Granted  int           // attempts that the step has let through
	Good     int           // of these, answered
	Bad      int           // of these, failed
}

func (s State) closed() bool { return s.Status == Closed || s.Status == "" }

// open returns the state after a process found too many failures. It changes only what is closed.
func (r Rule) open(s State, now time.Time) State {
	if !s.closed() {
		return s
	}
	return State{Status: Open, Until: now.Add(r.Cooldown), Cooldown: r.Cooldown, Turn: s.Turn}
}

// grant lets an attempt through, or reports that it does not and how long to wait.
func (r Rule) grant(s State, now time.Time) (next State, granted bool, wait time.Duration) {
	if s.closed() {
		return s, true, 0
	}
	if left := s.Until.Sub(now); left > 0 {
		if s.Status == Open {
			return s, false, left
		}
		if s.Granted >= steps()[s.Step] {
			return s, false, 0
		}
	} else {
		s = s.begin(s.Step, now)
	}
	s.Granted++
	return s, true, 0
}

// begin begins a step of the recovery.
func (s State) begin(step int, now time.Time) State {
	return State{Status: HalfOpen, Until: now.Add(patience), Cooldown: s.Cooldown, Step: step, Turn: s.Turn + 1}
}

// told returns the state after an attempt of a step has ended. An outcome of an earlier step changes nothing.
func (r Rule) told(s State, turn int64, o Outcome, now time.Time) State {
	if s.Status != HalfOpen || s.Turn != turn {
		return s
	}
	switch o {
	case Unknown:
		s.Granted--
	case Healthy:
		s.Good++
	case Failed:
		s.Bad++
	}
	all := steps()
	size := all[s.Step]
	bad := int(stillDead*float64(size) + 0.999)
	switch {
	case s.Bad >= bad:
		cooldown := min(max(2*s.Cooldown, r.Cooldown), r.Longest)
		return State{Status: Open, Until: now.Add(cooldown), Cooldown: cooldown, Turn: s.Turn}
	case s.Good <= size-bad: // it may still fail
		return s
	case s.Step+1 < len(all):
		return s.begin(s.Step+1, now)
	}
	return State{Status: Closed, Turn: s.Turn}
}

// window holds the outcomes that a process saw lately, while the breaker was closed.
type window struct {
	seen    []outcome
	failing int       // failures since the last good outcome
	since   time.Time // of the first of them
}

type outcome struct {
	at     time.Time
	failed bool
}

// add takes an outcome in and reports whether the service is to be left alone: its share of failures is too high, or for a whole window
// nothing but failures came, half as many as it takes otherwise. The second is for calls that are few or slow.
func (w *window) add(failed bool, now time.Time, r Rule) bool {
	if len(w.seen) == kept {
		w.seen = w.seen[1:]
	}
	w.seen = append(w.seen, outcome{now, failed})
	if !failed {
		w.failing = 0
		return false
	}
	if w.failing++; w.failing == 1 {
		w.since = now
	}
	if w.failing >= (r.Least+1)/2 && now.Sub(w.since) >= r.Window {
		return true
	}
	n, failures := 0, 0
	for _, o := range w.seen {
		if now.Sub(o.at) < r.Window {
			n++
			if o.failed {
				failures++
			}
		}
	}
	assumed := float64(r.Least) * (1/r.Share - 1)
	return n >= r.Least && float64(failures) >= r.Share*(float64(n)+assumed)
}
