package metric

import (
	"slices"
	"time"
)

// Buckets is how many buckets a histogram has: one up to each bound, and one beyond the last.
const Buckets = 28

// bounds are the buckets' upper bounds, themselves included.
func bounds() [Buckets - 1]time.Duration {
	const ms = time.Millisecond
	return [Buckets - 1]time.Duration{
		ms / 2, 1 * ms, 2 * ms, 3 * ms, 5 * ms, 7 * ms, 10 * ms, 15 * ms, 20 * ms, 30 * ms, 50 * ms, 70 * ms, 100 * ms, 150 * ms, 200 * ms,
		300 * ms, 500 * ms, 700 * ms, 1000 * ms, 1500 * ms, 2000 * ms, 3000 * ms, 5000 * ms, 7000 * ms, 10000 * ms, 30000 * ms, 60000 * ms,
	}
}

// Histogram counts durations by bucket.
type Histogram [Buckets]int64

// Add counts a duration.
func (h *Histogram) Add(d time.Duration) { h[bucket(d)]++ }

func bucket(d time.Duration) int {
	b := bounds()
	i, _ := slices.BinarySearch(b[:], d)
	return i
}

// Merge adds another histogram.
func (h *Histogram) Merge(o Histogram) {
	for i, n := range o {
		h[i] += n
	}
}

// Count returns how many durations were counted.
func (h Histogram) Count() int64 {
	var n int64
	for _, c := range h {
		n += c
	}
	return n
}

// Quantile returns the duration that a share q of all is at most, 0 < q <= 1: within the bucket that holds it, as far along as its place
// among the bucket's own. Beyond the last bound it is that bound. False when nothing was counted.
func (h Histogram) Quantile(q float64) (time.Duration, bool) {
	n := h.Count()
	if n == 0 {
		return 0, false
	}
	rank := q * float64(n)
	var below int64
	var from time.Duration
	for i, to := range bounds() {
		if c := h[i]; c > 0 && float64(below+c) >= rank {
			return from + time.Duration((rank-float64(below))/float64(c)*float64(to-from)), true
		}
		below += h[i]
		from = to
	}
	return from, true
}
