package property

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// TestHeld says what Notion shows after it was given a value. The times are from answers that were recorded.
func TestHeld(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind               Type
		given, shown, want Value
	}{
		"options of Turkish":                  {TypeMultiSelect, Options{"İ", "i", "I", "ı"}, nil, Options{"İ", "i", "ı"}},
		"nothing":                             {TypeRichText, nil, nil, nil},
		"no box":                              {TypeCheckbox, nil, nil, Checked(false)},
		"a day":                               {TypeDate, Date{Start: "2026-07-01"}, nil, Date{Start: "2026-07-01"}},
		"seconds and microseconds":            {TypeDate, Date{Start: "2026-07-25T16:57:28.513237Z"}, nil, Date{Start: "2026-07-25T16:57:00.000+00:00"}},
		"both ends":                           {TypeDate, Date{Start: "2026-07-25T16:57:28.5+02:00", End: "2026-07-25T17:59:59.999+02:00"}, nil, Date{Start: "2026-07-25T16:57:00.000+02:00", End: "2026-07-25T17:59:00.000+02:00"}},
		"a zone by its name becomes offset":   {TypeDate, Date{Start: "2026-06-27T17:57:32.424991", Zone: "Europe/London"}, nil, Date{Start: "2026-06-27T17:57:00.000+01:00"}},
		"in winter another":                   {TypeDate, Date{Start: "2026-12-27T17:57:32.424991", Zone: "Europe/London"}, nil, Date{Start: "2026-12-27T17:57:00.000+00:00"}},
		"a zone that a person chose is shown": {TypeDate, Date{Start: "2026-06-27T17:57:32.4", Zone: "Europe/London"}, Date{Start: "2026-06-27T09:00:00.000+01:00", Zone: "Europe/London"}, Date{Start: "2026-06-27T17:57:00.000", Zone: "Europe/London"}},
		"before 1970":                         {TypeDate, Date{Start: "1969-12-31T23:59:59.999Z"}, nil, Date{Start: "1969-12-31T23:59:00.000+00:00"}},
		"an option as it is spelled there":    {TypeSelect, Option("active"), Option("Active"), Option("Active")},
		"another option":                      {TypeSelect, Option("active"), Option("Done"), Option("active")},
		"a status as it is spelled there":     {TypeStatus, Option("DONE"), Option("Done"), Option("Done")},
		"options, some spelled otherwise":     {TypeMultiSelect, Options{"a", "B", "c"}, Options{"A", "b"}, Options{"A", "b", "c"}},
		"two spellings of one new option":     {TypeMultiSelect, Options{"x", "X"}, nil, Options{"x"}},
		"two options that differ in case":     {TypeMultiSelect, Options{"x", "X"}, Options{"X", "x"}, Options{"x", "X"}},
		"composed and decomposed letters":     {TypeRichText, Text{{Kind: RunText, Text: "\u00e9e\u0301"}}, nil, Text{{Kind: RunText, Text: "\u00e9e\u0301"}}},
		"white space at the ends":             {TypeRichText, Text{{Kind: RunText, Text: " a\r\n"}}, nil, Text{{Kind: RunText, Text: " a\r\n"}}},
		"a mention that cannot be written":    {TypeRichText, Text{{Kind: RunMention, Text: "a link", Link: "https://x", Object: []byte(`{"link_preview":{"url":"https://x"},"type":"link_preview"}`)}}, nil, Text{{Kind: RunText, Text: "a link", Link: "https://x"}}},
		"people by their ids":                 {TypePeople, People{{ID: "c37a2c66e3aa4a0da447000000000001", Name: "Ben"}}, nil, People{{ID: "c37a2c66-e3aa-4a0d-a447-000000000001"}}},
		"what Notion computes":                {TypeFormula, Opaque(`1`), Opaque(`2`), Opaque(`2`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Held(c.kind, c.given, c.shown)
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("%v, -want +got:\n%s", err, diff)
			}
			again, err := Held(c.kind, got, c.shown)
			if err != nil || !Equal(again, got) {
				t.Errorf("given back, it is %v: %v", again, err)
			}
		})
	}
	if _, err := Held(TypeSelect, Option("a, b"), nil); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an option with a comma: %v", err)
	}
}

// TestEveryKindIsWhole: whoever adds a type says all that is asked of one.
func TestEveryKindIsWhole(t *testing.T) {
	t.Parallel()
	for typ, k := range kinds {
		if k.noun == "" || len(k.columns) == 0 || k.writable && (k.decode == nil || k.encode == nil || k.computed) {
			t.Errorf("%s: %+v", typ, k)
		}
	}
	if k := kindOf("aura"); k.writable || k.computed || k.columns[0] != ColumnJSONB {
		t.Errorf("a type that nobody knows: %+v", k)
	}
}
