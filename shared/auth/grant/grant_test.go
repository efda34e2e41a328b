package grant_test

import (
	"strings"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/shared/auth/grant"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestPolicy(t *testing.T) {
	t.Parallel()
	policy := grant.Policy{Life: 24 * time.Hour}
	for name, c := range map[string]struct {
		expires       time.Duration // after noon; 0: not told
		at            time.Duration
		due, expiring bool
	}{
		"not told, new":                    {0, 0, false, true},
		"not told, just before half":       {0, 12*time.Hour - time.Second, false, true},
		"not told, half":                   {0, 12 * time.Hour, true, true},
		"not told, over":                   {0, 25 * time.Hour, true, true},
		"thirty days, 24 h and 1 s before": {30 * 24 * time.Hour, 29*24*time.Hour - time.Second, false, false},
		"thirty days, 24 h before":         {30 * 24 * time.Hour, 29 * 24 * time.Hour, true, true},
		"thirty days, 24 h less 1 s":       {30 * 24 * time.Hour, 29*24*time.Hour + time.Second, true, true},
		"an hour, new":                     {time.Hour, 0, false, true},
		"an hour, half":                    {time.Hour, 30 * time.Minute, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := grant.Grant{IssuedAt: noon}
			if c.expires > 0 {
				g.ExpiresAt = noon.Add(c.expires)
			}
			if due, expiring := policy.Due(g, noon.Add(c.at)), policy.Expiring(g, noon.Add(c.at)); due != c.due || expiring != c.expiring {
				t.Errorf("due %v, expiring %v", due, expiring)
			}
		})
	}
}

func TestStateNeedsChance(t *testing.T) {
	t.Parallel()
	if _, err := grant.NewState(strings.NewReader("too little")); err == nil {
		t.Error("a state was made of too little chance")
	}
	state, err := grant.NewState(strings.NewReader(strings.Repeat("x", 32)))
	if err != nil || len(state) != 43 || len(grant.HashState(state)) != 32 {
		t.Errorf("%q, %v", state, err)
	}
}
