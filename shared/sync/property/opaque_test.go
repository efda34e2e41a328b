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
		{"large numbers as jsonb spells them", `[2e+21,2000000000000000000000,2.4691357802469136e+29]`, `[2000000000000000000000,2000000000000000000000,246913578024691360000000000000]`},
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

// TestSame: two values are the same where their canonical JSON is, also when neither can be read.
func TestSame(t *testing.T) {
	t.Parallel()
	values := []string{
		``, `{`, `{} {}`, `null`, ` null `, `0`, `-0.0`, `"0"`, `1`, `1.0`, `10e-1`, `""`, `"<"`, `"\u003c"`, `true`, `false`, `[]`, `[1]`, `[1,2]`, `[2,1]`, `[1.0, 2]`,
		`{}`, `{"a":null}`, `{"a":[1]}`, `{"a":{"b":1,"c":2}}`, `{"a":{"c":2.0,"b":1}}`, `{"request_id":"a"}`, `{"id":"C01166C613AE45CBB96818B4EF2F5A77"}`, `{"id":"` + pageID + `"}`,
		`{"url":"https://a?b","expiry_time":"1"}`, `{"url":"https://a?c","expiry_time":"2"}`, `{"url":"https://a?c"}`, `{"a":1,"a":[1]}`,
	}
	for _, a := range values {
		for _, b := range values {
			x, errX := Canonical(json.RawMessage(a))
			y, errY := Canonical(json.RawMessage(b))
			want := errX == nil && errY == nil && string(x) == string(y)
			if got := Same(json.RawMessage(a), json.RawMessage(b)); got != want {
				t.Errorf("%s and %s: %t", a, b, got)
			}
		}
	}
	one, other := json.RawMessage(`{"a":1,"b":{"a":1}}`), json.RawMessage(`{"a":2,"b":{"a":1}}`)
	if Same(one, other, "b") || !Same(one, other, "a") {
		t.Error("what is under the keys named does not count, and all else does")
	}
	if inner := json.RawMessage(`{"a":1,"b":{"a":2}}`); Same(one, inner, "a") {
		t.Error("the keys named are those of the value itself")
	}
}
