package formula_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/act-platform/enhanced-integration/infra/notionsim/formula"
	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
)

func TestFormulas(t *testing.T) {
	t.Parallel()
	props := map[string]value.Value{
		"Budget": value.Number(42), "Name": value.Line("Ada"), "Done": value.Checked(true), "Due": value.Date{Start: "2026-11-23"},
	}
	scope := formula.Scope{
		Now:  time.Date(2026, 11, 23, 10, 5, 30, 0, time.UTC),
		Prop: func(name string) value.Value { return props[name] },
	}
	for source, want := range map[string]value.Value{
		`1 + 2 * 3`:                                value.Number(7),
		`(1 + 2) * 3`:                              value.Number(9),
		`-2 - -3`:                                  value.Number(1),
		`7 % 4 / 2`:                                value.Number(1.5),
		`1 / 0`:                                    nil,
		`prop("Budget") * 2`:                       value.Number(84),
		`prop("Nothing") * 2`:                      value.Number(0),
		`prop("Name") + "!"`:                       value.Line("Ada!"),
		`"a" + 1`:                                  value.Line("a1"),
		`prop("Budget") >= 42 and prop("Done")`:    value.Checked(true),
		`prop("Budget") < 42 || !prop("Done")`:     value.Checked(false),
		`prop("Due") > prop("Due")`:                value.Checked(false),
		`if(prop("Done"), "yes", "no")`:            value.Line("yes"),
		`if(empty(prop("Nothing")), 1, 2)`:         value.Number(1),
		`length(prop("Name"))`:                     value.Number(3),
		`concat(upper("a"), lower("B"), "c")`:      value.Line("Abc"),
		`round(2.5) + abs(0 - 1)`:                  value.Number(4),
		`now()`:                                    value.Date{Start: "2026-11-23T10:05:00.000+00:00"},
		`prop("Due")`:                              value.Date{Start: "2026-11-23"},
		`"quote \" and \\"`:                        value.Line(`quote " and \`),
		`true == not(false)`:                       value.Checked(true),
		`prop("Name") == "Ada" && "b" > "a"`:       value.Checked(true),
		`prop("Name") != prop("Nothing")`:          value.Checked(true),
		"  \n1 ":                                   value.Number(1),
		`if(1 > 2, prop("Name"), prop("Nothing"))`: nil,
	} {
		e, err := formula.Parse(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if got := e.Eval(scope); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %#v, want %#v", source, got, want)
		}
	}
}

func TestFormulasThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, source := range []string{
		``, `1 +`, `(1`, `1)`, `1 2`, `"open`, `prop(Budget)`, `prop("a"`, `dance(1)`, `if(1, 2)`, `round(1, 2)`, `1..2`, `§`, `prop`, `a b`,
		`concat(1`, `,`, `not()`,
	} {
		if _, err := formula.Parse(source); err == nil {
			t.Errorf("%q can be read", source)
		}
	}
	deep := ""
	for range 10_000 {
		deep += "("
	}
	if _, err := formula.Parse(deep); err == nil {
		t.Error("there is no end to parentheses")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`1 + 2`, `prop("a") * if(true, 1, "b")`, `-(-(!1))`, `"\x"`} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, source string) {
		if e, err := formula.Parse(source); err == nil {
			e.Eval(formula.Scope{Prop: func(string) value.Value { return nil }})
		}
		formula.Properties(source)
	})
}

func TestFormulasBeyondWhatIsComputed(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]bool{
		`prop("Tasks").map(current.prop("Hours")).sum()`: true,
		`let(x, prop("Budget"), x * 2)`:                  true,
		`prop("Done") ? "yes" : "no"`:                    true,
		`["a)", "b"].join(", ")`:                         true,
		`/* why */ dateAdd(now(), 1, "days")`:            true,
		`"\"(" + formatDate(now(), "YYYY")`:              true,
		`1 +`:                                            false,
		`prop("Budget") +`:                               false,
		`dance(1)`:                                       false,
		`prop("Tasks").dance()`:                          false,
		`dateAdd(now(), 1, "days"`:                       false,
		`formatDate(now(), "YYYY)`:                       false,
		`[1)`:                                            false,
	} {
		if got := formula.Beyond(source); got != want {
			t.Errorf("%s: %v", source, got)
		}
	}
}
