package access

import (
	"strings"
	"time"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// The authorizer lets every request through and says what it found out; the function that is called decides. So every refusal
// has the API's own shape, and a function that asks for no scope cannot be reached by mistake: no scope fits nobody.

// Context returns what the authorizer tells the function: who is calling, or why that is not known.
func Context(p Principal, err error) map[string]any {
	if err != nil {
		kind := fault.KindOf(err)
		if kind != fault.Unauthorized && kind != fault.RateLimited {
			kind = fault.Unavailable
		}
		return map[string]any{"refused": kind.String(), "message": fault.Message(err), "retry_after": int(fault.RetryAfter(err).Seconds())}
	}
	scopes := make([]string, len(p.Scopes))
	for i, s := range p.Scopes {
		scopes[i] = string(s)
	}
	return map[string]any{"client": p.Client, "key_id": p.KeyID, "scopes": strings.Join(scopes, " ")}
}

// FromContext returns who is calling from what the authorizer told; fault.Unauthorized, fault.RateLimited or fault.Unavailable when it is
// not known.
func FromContext(told map[string]any) (Principal, error) {
	text := func(name string) string {
		s, _ := told[name].(string)
		return s
	}
	switch {
	case text("refused") == fault.Unavailable.String():
		return Principal{}, fault.New(fault.Unavailable, "%s", text("message"))
	case text("refused") == fault.RateLimited.String():
		often := fault.New(fault.RateLimited, "%s", text("message"))
		seconds, _ := told["retry_after"].(float64) // as JSON has it
		often.RetryAfter = time.Duration(max(seconds, 1)) * time.Second
		return Principal{}, often
	case text("refused") != "":
		return Principal{}, fault.New(fault.Unauthorized, "%s", text("message"))
	case text("client") == "":
		return Principal{}, Missing()
	}
	p := Principal{Client: text("client"), KeyID: text("key_id")}
	for s := range strings.FieldsSeq(text("scopes")) {
		p.Scopes = append(p.Scopes, Scope(s))
	}
	return p, nil
}
