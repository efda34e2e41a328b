package wire

import (
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/shared/breaker"
	"github.com/act-platform/enhanced-integration/shared/metric"
	"github.com/act-platform/enhanced-integration/shared/postgres"
)

// hostsKept is how many hosts' breakers a process keeps; one that was dropped is learned of again from the others.
const hostsKept = 200

// gates keep from subscribers' hosts that do not answer, each by itself.
type gates struct {
	create func(host string) *breaker.Breaker

	mu    sync.Mutex
	hosts map[string]*breaker.Breaker
}

func newGates(create func(host string) *breaker.Breaker) *gates {
	return &gates{create: create, hosts: map[string]*breaker.Breaker{}}
}

// gate lets an attempt at an address through, or says how long its host is left in peace.
func (g *gates) gate(address string) (func(breaker.Outcome), error) {
	return g.of(hostOf(address)).Allow()
}

func (g *gates) of(host string) *breaker.Breaker {
	g.mu.Lock()
	defer g.mu.Unlock()
	b, ok := g.hosts[host]
	if !ok {
		if len(g.hosts) >= hostsKept {
			clear(g.hosts)
		}
		b = g.create(host)
		g.hosts[host] = b
	}
	return b
}

// hostOf gives the host of an address, with a port that is not HTTPS's; "" of what is no address.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(u.Host), ":443")
}

// hostBreaker keeps from a subscriber's host, as far as this function or another found out.
func (p parts) hostBreaker(host string) *breaker.Breaker {
	return breaker.New(breaker.Config{Service: host, Shared: &postgres.SharedBreaker{
		ConnectionID: p.id(), Service: string(metric.Subscriber) + ":" + host, Pool: p.gauge.pool.Load, Now: time.Now,
	}})
}
