package trace

import (
	"encoding/binary"
	"strconv"
)

// Sampler says whether a trace is recorded: one that goes on from elsewhere (remote) where it was or was not sampled, or one that begins.
type Sampler func(id ID, remote, sampled bool) bool

// DefaultSampler is the one that is meant when none is named.
const DefaultSampler = "parentbased_always_on"

// ParseSampler returns the sampler that OpenTelemetry's name and argument stand for; false when they stand for none.
//
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#general-sdk-configuration
func ParseSampler(name, argument string) (Sampler, bool) {
	share := 1.0
	if argument != "" {
		var err error
		if share, err = strconv.ParseFloat(argument, 64); err != nil || !(share >= 0 && share <= 1) {
			return nil, false
		}
	}
	switch name {
	case "", DefaultSampler:
		return parentBased(1), true
	case "parentbased_always_off":
		return parentBased(0), true
	case "parentbased_traceidratio":
		return parentBased(share), true
	case "always_on":
		return ratio(1), true
	case "always_off":
		return ratio(0), true
	case "traceidratio":
		return ratio(share), true
	}
	return nil, false
}

func parentBased(share float64) Sampler {
	root := ratio(share)
	return func(id ID, remote, sampled bool) bool {
		if remote {
			return sampled
		}
		return root(id, false, false)
	}
}

// ratio decides by the id alone, as OpenTelemetry's SDKs do, so that all who ask for the same share take the same traces.
func ratio(share float64) Sampler {
	bound := uint64(share * (1 << 63))
	return func(id ID, _, _ bool) bool { return binary.BigEndian.Uint64(id[8:])>>1 < bound }
}
