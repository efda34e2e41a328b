package metric

import "time"

// BucketOf returns the bucket of a duration.
func BucketOf(d time.Duration) int { return bucket(d) }

// LowerBound returns where the bucket of a duration begins.
func LowerBound(d time.Duration) time.Duration {
	if i := bucket(d); i > 0 {
		return bounds()[i-1]
	}
	return 0
}
