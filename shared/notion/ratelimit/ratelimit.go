// Package ratelimit holds what the functions say to each other about Notion's limit on requests, which they share. Pure.
package ratelimit

import "time"

// Ask asks for requests that may be sent, and says what became of those that were given before.
type Ask struct {
	// Chunk names what is asked for, Last what was given before; "" when that was nothing, or has been told.
	Chunk, Last string
	// Used are how long ago the requests of Last were sent. The others of Last were not sent, and will not be.
	Used []time.Duration
	// Requests is how many are asked for; 0 only tells of Last.
	Requests int
	// Interactive: somebody waits for the answer.
	Interactive bool
	// Patience is how long a wait would be accepted.
	Patience time.Duration
}

const (
	// Keep is how long requests are good for from when they may be sent. Those of a function that died are lost for so long.
	Keep = 10 * time.Second
	// Travel is how long a request may be on its way before it counts at Notion: so much more than Notion's minute passes before
	// it is given out again.
	Travel = time.Second
)

// Chunk is how many requests a function that works behind a queue asks for at a time, of a limit of so many in a minute: a large chunk
// asks seldom, a small one leaves little lying about. An interactive function asks for what it needs.
func Chunk(limit int) int { return max(1, limit/30) }

// Spare is how many requests of a limit are left to interactive functions: less those that they sent within the last minute, which come free for
// them again, and half of it at least. It is enough for looks at what somebody edits.
func Spare(limit int) int { return max(1, min(limit/30, 6)) }
