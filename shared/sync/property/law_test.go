package property

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func writableTypes() []Type {
	return []Type{
		TypeTitle, TypeRichText, TypeNumber, TypeSelect, TypeStatus, TypeMultiSelect, TypeCheckbox, TypeDate,
		TypeURL, TypeEmail, TypePhone, TypePeople, TypeRelation,
	}
}

// drawString returns text with what is hard about text: marks, surrogate pairs, joiners, spaces, quotes and markup.
func drawString(t *rapid.T, label string, most int) string {
	return rapid.StringOfN(rapid.RuneFrom([]rune("ab é\u0301\n\"<&>\u2028👩\u200d🚀🏽字,")), 1, most, -1).Draw(t, label)
}

func drawID(t *rapid.T) string {
	return fmt.Sprintf("c37a2c66-e3aa-4a0d-a447-%012x", rapid.IntRange(0, 40).Draw(t, "id"))
}

func drawRun(t *rapid.T) Run {
	run := Run{Kind: RunText, Style: rapid.SampledFrom([]Style{{}, {}, {Bold: true}, {Italic: true, Color: "red_background"}}).Draw(t, "style")}
	mention := func(format string, args ...any) {
		run.Kind, run.Object = RunMention, fmt.Appendf(nil, format, args...)
		run.Text = "@" + drawString(t, "shown", 5)
	}
	switch rapid.IntRange(0, 11).Draw(t, "kind") {
	case 0:
		mention(`{"type":"user","user":{"id":%q}}`, drawID(t))
	case 1:
		mention(`{"page":{"id":%q},"type":"page"}`, drawID(t))
	case 2:
		mention(`{"date":{"start":"2026-11-23","end":"2026-11-24"},"type":"date"}`)
	case 3:
		mention(`{"template_mention":{"template_mention_date":"today","type":"template_mention_date"},"type":"template_mention"}`)
		run.Text = ""
	case 4:
		run.Text = drawString(t, "expression", 9)
		object, err := marshal(map[string]string{"expression": run.Text})
		if err != nil {
			t.Fatal(err)
		}
		run.Kind, run.Object = RunEquation, object
	case 5:
		run.Text, run.Link = drawString(t, "label", 9), "https://example.com/?a=1&b=%20"
	case 6:
		run.Text = strings.Repeat(drawString(t, "much", 9), 300)
	default:
		run.Text = drawString(t, "text", 9)
	}
	return run
}

func drawText(t *rapid.T) Text {
	return join(rapid.SliceOfN(rapid.Custom(drawRun), 0, 8).Draw(t, "runs"))
}

func drawDate(t *rapid.T) Date {
	layouts := map[bool]func(int) string{
		true: func(n int) string { return fmt.Sprintf("2026-11-%02d", n) },
		false: func(n int) string {
			return fmt.Sprintf("2026-11-%02dT10:00:00.%03d%s", n, n, rapid.SampledFrom([]string{"+00:00", "+11:00", "-03:30"}).Draw(t, "offset"))
		},
	}
	spell := layouts[rapid.Bool().Draw(t, "day")]
	date := Date{Start: spell(rapid.IntRange(1, 15).Draw(t, "start"))}
	if rapid.Bool().Draw(t, "range") {
		date.End = spell(rapid.IntRange(16, 30).Draw(t, "end"))
	}
	if len(date.Start) > len(LayoutDay) && rapid.Bool().Draw(t, "zoned") {
		date.Zone = "Australia/Brisbane"
	}
	return date
}

// drawValue returns a value of a writable type in canonical form.
func drawValue(t *rapid.T, typ Type) Value {
	if typ != TypeCheckbox && rapid.IntRange(0, 9).Draw(t, "empty") == 0 {
		return nil
	}
	name := rapid.SampledFrom([]string{"a", "A", "B b", "字", "👩‍🚀", strings.Repeat("x", 100)})
	switch typ {
	case TypeTitle, TypeRichText:
		return orNil(drawText(t))
	case TypeNumber:
		return Number(rapid.Float64().Draw(t, "number"))
	case TypeSelect, TypeStatus:
		return Option(name.Draw(t, "option"))
	case TypeMultiSelect:
		return orNil(Options(rapid.SliceOfDistinct(name, rapid.ID[string]).Draw(t, "options")))
	case TypeCheckbox:
		return Checked(rapid.Bool().Draw(t, "checked"))
	case TypeDate:
		return drawDate(t)
	case TypePeople:
		var people People
		for _, id := range rapid.SliceOfDistinct(rapid.Custom(drawID), rapid.ID[string]).Draw(t, "people") {
			people = append(people, Person{ID: id})
		}
		return orNil(people)
	case TypeRelation:
		return orNil(Refs(rapid.SliceOfDistinct(rapid.Custom(drawID), rapid.ID[string]).Draw(t, "refs")))
	default:
		return Line(drawString(t, "line", 40))
	}
}

func TestLawDecodeOfEncode(t *testing.T) {
	t.Parallel()
	for _, typ := range writableTypes() {
		t.Run(string(typ), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				v := drawValue(t, typ)
				request, err := Encode(typ, v)
				if err != nil {
					t.Fatal(err)
				}
				p, err := Decode(answer(t, "a%40b", typ, request))
				if err != nil {
					t.Fatal(err)
				}
				if p.ID != "a%40b" || p.Type != typ || !Equal(p.Value, v) {
					t.Fatalf("%#v came back as %#v", v, p)
				}
			})
		})
	}
}

// TestLawHeldIsHeld: what Notion shows of a value, it shows of itself as well; and what stands for a value is no other edit.
func TestLawHeldIsHeld(t *testing.T) {
	t.Parallel()
	for _, typ := range writableTypes() {
		t.Run(string(typ), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				v, shown := drawValue(t, typ), drawValue(t, typ)
				held, err := Held(typ, v, shown)
				if err != nil {
					t.Fatal(err)
				}
				if again, err := Held(typ, held, held); err != nil || !Equal(again, held) {
					t.Fatalf("%#v is held as %#v, that as %#v: %v", v, held, again, err)
				}
				if stands := Stands(typ, v, held); !Equal(stands, held) {
					t.Fatalf("%#v is held as %#v, and stands for %#v", v, held, stands)
				}
			})
		})
	}
}

func TestLawDecodeIgnoresOrderAndSpace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(writableTypes()).Draw(t, "type")
		request, err := Encode(typ, drawValue(t, typ))
		if err != nil {
			t.Fatal(err)
		}
		raw := answer(t, "title", typ, request)
		one, err := Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		other, err := Decode(shuffled(t, raw))
		if err != nil {
			t.Fatal(err)
		}
		if !Equal(one.Value, other.Value) || one.Truncated != other.Truncated {
			t.Fatalf("%#v became %#v", one, other)
		}
	})
}

// shuffled writes the same JSON with its keys in another order and space between.
func shuffled(t *rapid.T, raw json.RawMessage) json.RawMessage {
	tree, err := parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0))
	var write func(any) string
	write = func(tree any) string {
		var parts []string
		switch node := tree.(type) {
		case map[string]any:
			for key, child := range node {
				parts = append(parts, strconv.Quote(key)+" : "+write(child))
			}
			r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			return "{ " + strings.Join(parts, " ,\n") + " }"
		case []any:
			for _, child := range node {
				parts = append(parts, write(child))
			}
			return "[" + strings.Join(parts, " , ") + "]"
		default:
			leaf, err := json.Marshal(node)
			if err != nil {
				t.Fatal(err)
			}
			return string(leaf)
		}
	}
	return json.RawMessage(write(tree))
}

func TestLawEqualIsAnEquivalence(t *testing.T) {
	t.Parallel()
	small := rapid.Custom(func(t *rapid.T) Value {
		list := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b"}), 0, 2, rapid.ID[string]).Draw(t, "list")
		start := rapid.SampledFrom([]string{"2026-11-23", "2026-11-23T10:00:00.000+11:00", "2026-11-23T10:00:00.000"}).Draw(t, "start")
		zone := rapid.SampledFrom([]string{"", "Australia/Brisbane"}).Draw(t, "zone")
		shown := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "shown")
		return rapid.SampledFrom([]Value{
			nil, Text(nil), Options(list), Refs(list), Number(len(list)), Checked(false), Line(""), Line(shown), Option(shown),
			Date{Start: start, Zone: zone},
			People{{ID: "a", Name: shown}},
			Opaque(shown),
			Files{{Name: shown}},
			Text{{Kind: RunText, Text: shown}},
			Text{{Kind: RunMention, Text: shown, Object: []byte("{}")}},
		}).Draw(t, "value")
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := small.Draw(t, "a"), small.Draw(t, "b"), small.Draw(t, "c")
		if !Equal(a, a) {
			t.Fatalf("%#v does not equal itself", a)
		}
		if Equal(a, b) != Equal(b, a) {
			t.Fatalf("%#v and %#v: the order matters", a, b)
		}
		if Equal(a, b) && Equal(b, c) && !Equal(a, c) {
			t.Fatalf("%#v, %#v and %#v: the first equals the second, that the third, and the first does not", a, b, c)
		}
	})
}

func TestLawCanonicalIsSettled(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom(writableTypes()).Draw(t, "type")
		request, err := Encode(typ, drawValue(t, typ))
		if err != nil {
			t.Fatal(err)
		}
		once, err := Canonical(shuffled(t, answer(t, "title", typ, request)))
		if err != nil {
			t.Fatal(err)
		}
		twice, err := Canonical(json.RawMessage(once))
		if err != nil || !Equal(once, twice) {
			t.Fatalf("%s became %s, %v", once, twice, err)
		}
	})
}

// look is how one byte of a text looks.
type look struct {
	style Style
	link  string
	kind  RunKind
	thing string
	from  int // where the mention or equation starts
	to    int
}

func looks(text Text) []look {
	var list []look
	at := 0
	for _, run := range text {
		l := look{style: run.Style, link: run.Link, kind: run.Kind, thing: string(run.Object)}
		if run.Kind != RunText {
			l.from, l.to = at, at+len(run.Text)
		}
		for range len(run.Text) {
			list = append(list, l)
		}
		at += len(run.Text)
	}
	return list
}

func TestLawWithPlainText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base := drawText(t)
		old := PlainText(base)
		if same := WithPlainText(base, old); !Equal(same, base) || len(same) != len(base) {
			t.Fatalf("the same text changed: %#v", same)
		}
		want := drawEdit(t, old)
		got := WithPlainText(base, want)
		if PlainText(got) != want {
			t.Fatalf("%q reads %q", want, PlainText(got))
		}
		if settled := join(got); !Equal(settled, got) || len(settled) != len(got) {
			t.Fatalf("not canonical: %#v", got)
		}
		head := commonPrefix(old, want)
		tail := commonSuffix(old[head:], want[head:])
		before, after := looks(base), looks(got)
		for i := range head {
			checkKept(t, before[i], after[i], 0, head, 0)
		}
		for i := range tail {
			from := len(old) - tail + i
			checkKept(t, before[from], after[len(want)-tail+i], len(old)-tail, len(old), len(want)-len(old))
		}
	})
}

// checkKept holds a byte outside the change, in the stretch of the old text that was kept, against what became of it.
func checkKept(t *rapid.T, before, after look, from, to, shift int) {
	if before.kind != RunText {
		if before.from < from || before.to > to {
			before = look{style: before.style, kind: RunText} // touched
		} else {
			before.from, before.to = before.from+shift, before.to+shift
		}
	}
	if before != after {
		t.Fatalf("looked %+v, looks %+v", before, after)
	}
}

// drawEdit changes a text in a few places, or altogether.
func drawEdit(t *rapid.T, s string) string {
	if rapid.IntRange(0, 5).Draw(t, "rewrite") == 0 {
		return rapid.String().Draw(t, "anything")
	}
	runes := []rune(s)
	for range rapid.IntRange(1, 3).Draw(t, "edits") {
		from := rapid.IntRange(0, len(runes)).Draw(t, "from")
		to := rapid.IntRange(from, min(len(runes), from+6)).Draw(t, "to")
		typed := []rune(rapid.StringOfN(rapid.RuneFrom([]rune("ab @字\u0301")), 0, 5, -1).Draw(t, "typed"))
		runes = append(runes[:from:from], append(typed, runes[to:]...)...)
	}
	return string(runes)
}
