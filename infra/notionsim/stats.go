package notionsim

import (
	"maps"
	"sync"
)

// Stats counts what reached the simulator since it was started or the counts were last reset. The control calls are never
// counted.
type Stats struct {
	Requests        map[string]int `json:"requests"`         // of bots, by method and route
	Total           int            `json:"total"`            // the sum of Requests
	PersonRequests  int            `json:"person_requests"`  // of persons, who are not in Requests
	Unauthorized    int            `json:"unauthorized"`     // without a valid token, in neither
	RateLimited     int            `json:"rate_limited"`     // of Requests, answered 429 for want of budget
	UnchangedWrites int            `json:"unchanged_writes"` // page updates of bots after which nothing was different
	Faults          int            `json:"faults"`           // answers that a fault spoilt
}

// counts is Stats safe for concurrent use.
type counts struct {
	mu    sync.Mutex
	stats Stats
}

func (c *counts) add(do func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do(&c.stats)
}

func (c *counts) reset() { c.add(func(s *Stats) { *s = Stats{Requests: make(map[string]int)} }) }

func (c *counts) snapshot() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Requests = maps.Clone(s.Requests)
	return s
}
