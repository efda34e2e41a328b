package property

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// edit is a stretch of the old text that is kept, or that text stands for.
type edit struct {
	kept     bool
	from, to int
	text     string
}

// diff returns the edits that lead from one text to another, in order: the kept stretches and the new texts, put together,
// are the other text.
func diff(from, to string) []edit {
	head := commonPrefix(from, to)
	tail := commonSuffix(from[head:], to[head:])
	var s script
	s.keep(head)
	s.compare(words(from[head:len(from)-tail]), words(to[head:len(to)-tail]))
	s.keep(tail)
	return s.edits
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) {
		_, size := utf8.DecodeRuneInString(a[n:])
		if !strings.HasPrefix(b[n:], a[n:n+size]) {
			break
		}
		n += size
	}
	return n
}

func commonSuffix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) {
		_, size := utf8.DecodeLastRuneInString(a[:len(a)-n])
		if !strings.HasSuffix(b[:len(b)-n], a[len(a)-n-size:len(a)-n]) {
			break
		}
		n += size
	}
	return n
}

// words cuts a text into words and single characters between them.
func words(s string) []string {
	var list []string
	for s != "" {
		end := 0
		for end < len(s) {
			r, size := utf8.DecodeRuneInString(s[end:])
			if !unicode.In(r, unicode.L, unicode.N, unicode.M) {
				break
			}
			end += size
		}
		if end == 0 {
			_, end = utf8.DecodeRuneInString(s)
		}
		list = append(list, s[:end])
		s = s[end:]
	}
	return list
}

// script builds edits from left to right.
type script struct {
	edits []edit
	at    int // in the old text
}

func (s *script) keep(n int) {
	if n > 0 {
		s.add(edit{kept: true, from: s.at, to: s.at + n})
	}
}

func (s *script) replace(n int, text string) {
	if n > 0 || text != "" {
		s.add(edit{from: s.at, to: s.at + n, text: text})
	}
}

// add appends an edit, or makes the last one longer when both are of one sort.
func (s *script) add(e edit) {
	s.at = e.to
	if last := len(s.edits) - 1; last >= 0 && s.edits[last].kept == e.kept {
		s.edits[last].to = e.to
		s.edits[last].text += e.text
		return
	}
	s.edits = append(s.edits, e)
}

// compare finds the longest common subsequence of two lists of words. Lists too long to compare in about a million steps
// count as different altogether.
func (s *script) compare(a, b []string) {
	const steps = 1 << 20
	if len(a)*len(b) > steps {
		for _, word := range a {
			s.replace(len(word), "")
		}
		for _, word := range b {
			s.replace(0, word)
		}
		return
	}
	width := len(b) + 1
	common := make([]uint16, (len(a)+1)*width) // of a[i:] and b[j:]
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i*width+j] = common[(i+1)*width+j+1] + 1
			} else {
				common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			s.keep(len(a[i]))
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[(i+1)*width+j] >= common[i*width+j+1]:
			s.replace(len(a[i]), "")
			i++
		default:
			s.replace(0, b[j])
			j++
		}
	}
}
