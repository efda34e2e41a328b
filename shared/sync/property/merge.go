package property

import (
	"slices"
	"strings"
)

// MergeText merges two texts that were both edited from base: the words that one changed and those that the other changed, in the
// formatting of a. False where both changed the same word, or put something in at the same place.
func MergeText(base, a, b Text) (Text, bool) {
	from := PlainText(base)
	left, right := changes(from, PlainText(a)), changes(from, PlainText(b))
	var merged strings.Builder
	at := 0
	for len(left) > 0 || len(right) > 0 {
		next := &left
		switch {
		case len(left) == 0:
			next = &right
		case len(right) == 0:
		case left[0] == right[0]:
			right = right[1:]
		case left[0].touches(right[0]):
			return nil, false
		case right[0].from < left[0].from:
			next = &right
		}
		e := (*next)[0]
		*next = (*next)[1:]
		merged.WriteString(from[at:e.from])
		merged.WriteString(e.text)
		at = e.to
	}
	merged.WriteString(from[at:])
	return WithPlainText(a, merged.String()), true
}

// changes returns what leads from one text to another, each change of whole words.
func changes(from, to string) []edit {
	a, b := words(from), words(to)
	head, tail := 0, 0
	for head < min(len(a), len(b)) && a[head] == b[head] {
		head++
	}
	for tail < min(len(a), len(b))-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var s script
	s.keep(len(strings.Join(a[:head], "")))
	s.compare(a[head:len(a)-tail], b[head:len(b)-tail])
	return joined(from, slices.DeleteFunc(s.edits, func(e edit) bool { return e.kept }))
}

// joined returns changes with those made one that are one said otherwise: "b " put in after "a" and a blank is "a b" in the place of "a".
func joined(from string, changes []edit) []edit {
	var all []edit
	for _, e := range changes {
		if last := len(all) - 1; last >= 0 && (e.from == e.to || e.text == "") {
			between := from[all[last].to:e.from]
			moved := between + from[e.from:e.to] + e.text // what is taken out, or put in
			if strings.HasSuffix(moved, between) {
				all[last].to += e.to - e.from
				all[last].text += (between + e.text)[:len(e.text)]
				continue
			}
		}
		all = append(all, e)
	}
	return all
}

// touches reports whether two changes are of the same words, or at the same place: something put in right where the other ends.
func (e edit) touches(o edit) bool {
	if e.from == e.to || o.from == o.to {
		return e.from <= o.to && o.from <= e.to
	}
	return e.from < o.to && o.from < e.to
}
