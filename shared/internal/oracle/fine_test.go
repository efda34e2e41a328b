//go:build !race

package oracle

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// minutes is how a moment is told from others, by the minute: Notion shows no more.
const minutes = "2006-01-02T15:04"

// canonical returns the token's text of what a side shows, which may be finer: a number as a double has it, a day without its time, a moment by its
// minute. What cannot be read as such stays as it is.
func canonical(field, text string) string {
	switch field {
	case "number":
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return fmt.Sprint(n)
		}
	case "day":
		day, _, _ := strings.Cut(text, "T")
		return day
	case "moment":
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return at.UTC().Format(minutes)
		}
	}
	return text
}

// finer returns what a person writes into a row's column for a token: it may hold more than Notion can.
func (a *arena) finer(t *rapid.T, field, text string, as *written) string {
	switch field {
	case "number":
		as.whole = text + rapid.SampledFrom([]string{"", "", ".00000000000000000001", ".0000000000000000500"}).Draw(t, "digits")
	case "moment":
		as.whole = text + rapid.SampledFrom([]string{":00Z", ":45.123456Z", ":59.999999Z"}).Draw(t, "seconds")
	default:
		return text
	}
	if as.whole != text {
		a.counts.fine++
	}
	return as.whole
}

// inFull returns what a person writes to a page's property for a token: it may hold more than the column shows.
func (a *arena) inFull(t *rapid.T, field, text string, as *written) any {
	if field != "day" {
		return value(field, text)
	}
	date := map[string]any{"start": text}
	as.whole = text + " "
	switch rapid.IntRange(0, 3).Draw(t, "of the day") {
	case 2:
		date["start"], as.whole = text+"T09:30:00.000+11:00", text+"T09:30:00.000+11:00 "
		a.counts.fine++
	case 3:
		date["end"], as.whole = "2999-12-31", text+" 2999-12-31"
		a.counts.fine++
	}
	return map[string]any{"date": date}
}

// tuneRow changes of a row only what Notion cannot hold.
func (a *arena) tuneRow(t *rapid.T, d desk) {
	field := rapid.SampledFrom([]string{"number", "moment"}).Draw(t, "tuned")
	r, ok := pick(t, d.rows, "row", func(r row) bool {
		if r.archived || len(r.values[field]) == 0 {
			return false
		}
		w := a.model.tokens[token{field, r.values[field][0]}]
		return w != nil && !w.bad
	})
	if !ok {
		return
	}
	a.counts.fine++
	as := &written{}
	whole := a.finer(t, field, r.values[field][0], as)
	d.then(func() {
		a.model.touch(r.mark)
		if w := a.model.tokens[token{field, r.values[field][0]}]; w != nil && w.mark == r.mark {
			w.whole, w.side = whole, postgres
		}
	})
	d.hold(r)
	d.exec(t, "update things set "+a.columnName(field)+" = $2"+cast(field)+" where id = $1::text::uuid", r.id, whole)
}

// lengthen changes only the end of a page's moment. A row may have more of its beginning than Notion shows, and keeps it.
func (a *arena) lengthen(t *rapid.T) {
	p, ok := pick(t, a.pages(t), "page", func(p page) bool { return !p.trashed && p.whole["moment"] != "" })
	if !ok {
		return
	}
	start, _, _ := strings.Cut(p.whole["moment"], " ")
	begins, err := time.Parse(time.RFC3339Nano, start)
	if err != nil {
		t.Fatal(err)
	}
	a.counts.fine++
	a.model.touch(p.mark)
	end := begins.Add(time.Duration(rapid.IntRange(1, 5).Draw(t, "hours")) * time.Hour).Format(time.RFC3339)
	a.patch(t, p.id, map[string]any{"properties": byID(p, map[string]any{"Moment": map[string]any{"date": map[string]any{"start": start, "end": end}}})})
}

// fine says which values have lost what the other side cannot hold of them: a sync never writes back what it has read of a coarser side.
func (a *arena) fine(t *rapid.T) []string {
	var wrong []string
	find := func(on side, mark, field, text, whole string) {
		w, l := a.model.tokens[token{field, text}], a.model.records[mark]
		if w == nil || w.mark != mark || w.gone > 0 || w.side != on || w.whole == "" || l.again+l.unheard > 0 {
			return
		}
		if w.whole != whole {
			wrong = append(wrong, fmt.Sprintf("%s of %s is %q in %s, where %q was written", field, mark, whole, on, w.whole))
		}
	}
	for _, p := range a.pages(t) {
		for field, whole := range p.whole {
			find(notion, p.mark, field, p.values[field][0], whole)
		}
	}
	for _, r := range a.rows(t) {
		for field, whole := range r.whole {
			find(postgres, r.mark, field, r.values[field][0], whole)
		}
	}
	slices.Sort(wrong)
	return wrong
}
