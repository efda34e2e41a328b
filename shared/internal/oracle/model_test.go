//go:build !race

package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// side is where a person works.
type side string

const (
	notion   side = "Notion"
	postgres side = "Postgres"
)

// token is a value that a person wrote: it is like no other, so that it can be found again.
type token struct {
	field, text string
}

// written is what is known of a token.
type written struct {
	mark string // the record
	side side
	at   int // when it was written, in effects
	// gone is when a person who saw the value replaced it, or deleted the record that showed it; 0: nobody did.
	gone int
	// raced: it was written in Notion between the sync's reading of the page and its writing of the same property, the one
	// moment at which Notion lets nobody see what is overwritten.
	raced bool
	// unheard: it was written to a page of which the sync had not heard yet that it had made it. Where it loses against the row's value, the
	// record outlives a deletion all the same, since neither is known to be the older.
	unheard bool
	// unsure: the base did not know what both sides had in the field, so that it may not outlive a deletion.
	unsure bool
	// quiet: it was written to a row that was archived, and waits there for the record's return.
	quiet bool
	// whole is the value as it was written, where the other side shows less of it; "" where all of it is the token.
	whole string
	// bad: the other side cannot hold it, so that it stays where it is.
	bad bool
}

// model is what people did.
type model struct {
	next    int // the next token
	stages  int // how many options of the status have been used
	step    int // counts what happens
	clean   int // when the last sync of both sides ended well
	tokens  map[token]*written
	drawn   []token // the tokens, and the records, in order since somebody emptied these lists
	made    []string
	records map[string]*life
	members map[member]*membership
	// unsure are fields whose property was taken away at some time: whether an edit of one outlives a deletion is not followed.
	unsure map[string]bool
	// spoilt are fields, by the record's mark, that had a value at some time which the other side cannot hold: the same goes for their edits.
	spoilt map[token]bool
}

// life is what people did with a record as a whole.
type life struct {
	deleted bool // somebody deleted it, and nobody has brought it back since
	at      int  // when somebody last deleted it
	// loose: something happened that the model does not follow closely, so that it may be there or not.
	loose bool
	// touched: somebody changed it and left no token.
	touched bool
	// again is how often its page may have been made anew: it was deleted for good in Notion.
	again int
	// unheard is how often its page was put into the trash before the sync had heard that it made it: restored, it is a record of its own.
	unheard int
}

func newModel() *model {
	return &model{tokens: map[token]*written{}, records: map[string]*life{}, members: map[member]*membership{}, unsure: map[string]bool{}, spoilt: map[token]bool{}}
}

// fresh returns a value that nobody has written yet for a field, as its column shows it.
func (m *model) fresh(mark string, field string, on side) string {
	m.next++
	m.step++
	var text string
	switch field {
	case "number":
		text = strconv.Itoa(m.next)
	case "day":
		text = fmt.Sprintf("%04d-%02d-%02d", 1900+m.next/336, 1+m.next/28%12, 1+m.next%28)
	case "moment":
		text = time.Date(2030, 1, 1, 0, m.next, 0, 0, time.UTC).Format(minutes)
	case "link":
		text = fmt.Sprintf("https://example.com/%d", m.next)
	case "stage":
		m.stages++
		text = stageNamed(m.stages)
	default:
		text = fmt.Sprintf("%s%d", field, m.next)
	}
	m.tokens[token{field, text}] = &written{mark: mark, side: on, at: m.step}
	m.drawn = append(m.drawn, token{field, text})
	return text
}

// touch notes that somebody changed a record and left no token.
func (m *model) touch(mark string) {
	l := m.records[mark]
	l.touched = true
	l.loose = l.loose || l.deleted // whoever deleted it on the other side may not have seen this
}

// unheard notes that what was written to a record since a step was written to a page of which the sync has not heard.
func (m *model) unheard(mark string, since int) {
	for _, w := range m.tokens {
		w.unheard = w.unheard || w.mark == mark && w.at > since
	}
}

// replaced notes that a person who saw those values of a record, by field, has replaced or deleted them.
func (m *model) replaced(mark string, shown map[string][]string) {
	m.step++
	for field, texts := range shown {
		for _, text := range texts {
			if w := m.tokens[token{field, text}]; w != nil && w.mark == mark && w.gone == 0 {
				w.gone = m.step
			}
		}
	}
}

// view is what a side shows: by mark, whether the record is live, and its values by field.
type view map[string]shown

type shown struct {
	live   bool
	values map[string][]string
	count  int             // how many there are of that mark
	bad    map[string]bool // the fields that it shows in a value which the other side cannot hold
}

func (s shown) has(field, text string) bool { return slices.Contains(s.values[field], text) }

// lost says which values are nowhere although nobody meant them to go. logged are the values in the conflict log.
func (m *model) lost(n, p view, logged map[token]bool) []string {
	var lost []string
	for t, w := range m.tokens {
		if w.gone > 0 || w.raced || logged[t] {
			continue
		}
		inNotion, inPostgres := n[w.mark].has(t.field, t.text), p[w.mark].has(t.field, t.text)
		live := n[w.mark].live || p[w.mark].live
		waits := inNotion && p[w.mark].bad[t.field] || inPostgres && n[w.mark].bad[t.field] || w.bad && (inNotion || inPostgres)
		if live && inNotion && inPostgres || !live && (inNotion || inPostgres) || waits {
			continue
		}
		lost = append(lost, fmt.Sprintf("%s %q of %s, written in %s, is not there: in Notion %t, in Postgres %t, live %t", t.field, t.text, w.mark, w.side, inNotion, inPostgres, live))
	}
	slices.Sort(lost)
	return lost
}

// lives says which records are there that should not be, are not there that should, or are there twice.
func (m *model) lives(n, p view, logged map[token]bool) []string {
	var wrong []string
	for _, mark := range slices.Sorted(maps.Keys(m.records)) {
		l := m.records[mark]
		if n[mark].count > 1+l.again || p[mark].count > 1+l.unheard {
			wrong = append(wrong, fmt.Sprintf("%s is there %d times in Notion and %d times in Postgres", mark, n[mark].count, p[mark].count))
		}
		stand, unsure := m.stand(mark, logged)
		if l.loose || l.deleted && unsure {
			continue
		}
		if live, want := n[mark].live, !l.deleted || len(stand) > 0; live != want {
			wrong = append(wrong, fmt.Sprintf("%s is live: %t, and should be: %t; deleted: %t, standing: %v", mark, live, want, l.deleted, stand))
		}
	}
	for _, v := range []view{n, p} {
		for mark := range v {
			if m.records[mark] == nil {
				wrong = append(wrong, fmt.Sprintf("nobody made %q", mark))
			}
		}
	}
	return wrong
}

// stand returns the values of a record that were written, and that nobody who deleted the record saw: they outlive the deletion. unsure:
// there are others of which that is not followed.
func (m *model) stand(mark string, logged map[token]bool) (stand []string, unsure bool) {
	for t, w := range m.tokens {
		switch {
		case w.mark != mark || w.gone > 0 || w.raced:
		case w.quiet:
			unsure = true // the row may have returned since, and then it outlives what happens to the page
		case logged[t]:
			unsure = unsure || w.unheard
		default:
			stand = append(stand, t.text)
			unsure = unsure || w.unsure || m.unsure[t.field] || m.spoilt[token{t.field, mark}]
		}
	}
	slices.Sort(stand)
	return stand, unsure
}

// join writes a list of what is wrong.
func join(wrong ...[]string) string { return strings.Join(slices.Concat(wrong...), "\n") }
