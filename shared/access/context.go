package access

import (
	"strings"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// The authorizer lets every request through and says what it found out; the function that is called decides. So every refusal
// has the API's own shape, and a function that asks for no scope cannot be reached by mistake: no scope fits nobody.

// Context gives what the authorizer tells the function: who is calling, or why that is not known.
func Context(p Principal, err error) map[string]any {
	if err != nil {
		kind := "unavailable"
		if fault.KindOf(err) == fault.Unauthorized {
			kind = "unauthorized"
		}
		return map[string]any{"refused": kind, "message": fault.Message(err)}
	}
	scopes := make([]string, len(p.Scopes))
	for i, s := range p.Scopes {
		scopes[i] = string(s)
	}
	return map[string]any{"client": p.Client, "key_id": p.KeyID, "scopes": strings.Join(scopes, " ")}
}

// FromContext gives who is calling from what the authorizer told; fault.Unauthorized or fault.Unavailable when it is not known.
func FromContext(told map[string]any) (Principal, error) {
	text := func(name string) string {
		s, _ := told[name].(string)
		return s
	}
	switch {
	case text("refused") == "unavailable":
		return Principal{}, fault.New(fault.Unavailable, "%s", text("message"))
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
