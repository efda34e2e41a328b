package app

import (
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/act-platform/enhanced-integration/shared/events/delivery"
	"github.com/act-platform/enhanced-integration/shared/postgres"
	"github.com/act-platform/enhanced-integration/shared/resilience/breaker"
)

// breakersKept is how many breakers a process keeps; one that was dropped is learned of again from the others.
const breakersKept = 400

// hostBreakers are the breakers of subscribers' endpoints and of their hosts.
type hostBreakers struct {
	create func(service, shown string, r breaker.Rule) *breaker.Breaker

	mu    sync.Mutex
	known map[string]*breaker.Breaker
}

func newHostBreakers(create func(service, shown string, r breaker.Rule) *breaker.Breaker) *hostBreakers {
	return &hostBreakers{create: create, known: map[string]*breaker.Breaker{}}
}

// gate lets an attempt at an endpoint through, or returns an error with how long nothing is sent there: because of the endpoint itself, or
// because nothing can be connected to on its host.
func (g *hostBreakers) gate(lane delivery.Lane) (func(endpoint, host breaker.Outcome), error) {
	hostName := hostOf(lane.CallbackURL)
	toldHost, err := g.of(postgres.HostService(hostName), hostName, hostRule()).Allow()
	if err != nil {
		return nil, err
	}
	toldEndpoint, err := g.of(postgres.EndpointService(lane.ID), hostName, endpointRule()).Allow()
	if err != nil {
		toldHost(breaker.Unknown)
		return nil, err
	}
	return func(endpoint, host breaker.Outcome) {
		toldEndpoint(endpoint)
		toldHost(host)
	}, nil
}

func (g *hostBreakers) of(service, shown string, r breaker.Rule) *breaker.Breaker {
	g.mu.Lock()
	defer g.mu.Unlock()
	b, ok := g.known[service]
	if !ok {
		if len(g.known) >= breakersKept {
			clear(g.known)
		}
		b = g.create(service, shown, r)
		g.known[service] = b
	}
	return b
}

// endpointRule is that of an endpoint: half of its answers failing.
func endpointRule() breaker.Rule { return breaker.Rule{Longest: 5 * time.Minute} }

// hostRule is that of a host: nothing on it can be connected to.
func hostRule() breaker.Rule { return breaker.Rule{Least: 5, Share: 1} }

// hostOf returns the host of an address, with a port that is not HTTPS's; "" of what is no address.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(u.Host), ":443")
}

// deliveryBreaker is that of an endpoint or a host, as far as this function or another found out.
func (p deps) deliveryBreaker(service, shown string, r breaker.Rule) *breaker.Breaker {
	return breaker.New(breaker.Config{Service: shown, Rule: r, Now: time.Now, Shared: &postgres.SharedBreaker{
		ConnectionID: p.id(), Service: service, Pool: p.gauge.pool.Load, Now: time.Now,
	}})
}
