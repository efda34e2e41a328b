package property

import (
	"encoding/json"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

func TestCanonical(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, raw, want string }{
		{"null", ` null `, `null`},
		{"keys in order", `{"b":1,"a":{"d":2,"c":3}}`, `{"a":{"c":3,"d":2},"b":1}`},
		{"what HTML would escape", `"<\u0026>"`, `"<&>"`},
		{"numbers by value", `[1.0,1e2,-0.0,0.10,1E400,123456789012345678901]`, `[1,100,0,0.1,1E400,123456789012345678901]`},
		{"a request", `{"id":"a","request_id":"b"}`, `{"id":"a"}`},
		{"an id", `{"id":"C01166C613AE45CBB96818B4EF2F5A77"}`, `{"id":"` + pageID + `"}`},
		{"an address that is signed", `{"url":"https://a?b","expiry_time":"2026-11-23T10:00:00.000Z"}`, `{"url":"https://a"}`},
		{"an address that is not", `{"url":"https://a?b"}`, `{"url":"https://a?b"}`},
		{"times", `{"created_time":"2026-11-23T10:00:00+10:00","last_edited_time":"long ago"}`, `{"created_time":"2026-11-23T00:00:00.000+00:00","last_edited_time":"long ago"}`},
		{"a string that looks like a time", `{"string":"2026-11-23T10:00:00+10:00"}`, `{"string":"2026-11-23T10:00:00+10:00"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got, err := Canonical(json.RawMessage(test.raw)); err != nil || string(got) != test.want {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
	for _, raw := range []string{``, `{`, `{} {}`, `nil`} {
		if got, err := Canonical(json.RawMessage(raw)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q became %s, %v", raw, got, err)
		}
	}
}
