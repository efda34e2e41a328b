package property

import (
	"encoding/json"
	"unicode"

	"github.com/act-platform/enhanced-integration/shared/fault"
)

// element is a rich text object of a request.
//
// https://developers.notion.com/reference/rich-text
type element struct {
	Type        RunKind         `json:"type"`
	Text        *textContent    `json:"text,omitempty"`
	Mention     json.RawMessage `json:"mention,omitempty"`
	Equation    json.RawMessage `json:"equation,omitempty"`
	Annotations *annotations    `json:"annotations,omitempty"`
}

type textContent struct {
	Content string `json:"content"`
	Link    *link  `json:"link,omitempty"`
}

type link struct {
	URL string `json:"url"`
}

func encodeText(text Text) (any, error) {
	list := []element{}
	for _, run := range text {
		elements, err := encodeRun(run)
		if err != nil {
			return nil, err
		}
		list = append(list, elements...)
	}
	if len(list) > maxElements {
		return nil, fault.New(fault.Invalid,
			"Notion takes at most %d pieces of text in one property, each of one style and %d characters, and here are %d: shorten the text or simplify its formatting.",
			maxElements, maxContent, len(list))
	}
	return list, nil
}

func encodeRun(run Run) ([]element, error) {
	if err := checkText(run.Text); err != nil {
		return nil, err
	}
	var style *annotations
	if run.Style != (Style{}) {
		a := annotations(run.Style)
		style = &a
	}
	if run.Kind == RunText || !run.writable() {
		return encodeContent(run, style)
	}
	switch run.Kind {
	case RunEquation:
		if err := checkEquation(run.Object); err != nil {
			return nil, err
		}
		return []element{{Type: RunEquation, Equation: run.Object, Annotations: style}}, nil
	default:
		return []element{{Type: RunMention, Mention: run.Object, Annotations: style}}, nil
	}
}

func encodeContent(run Run, style *annotations) ([]element, error) {
	content := run.Text
	if content == "" {
		content = run.Link // a preview that shows nothing still leads somewhere
	}
	var to *link
	if run.Link != "" {
		if err := checkLength("A link's address", run.Link, maxURL); err != nil {
			return nil, err
		}
		to = &link{URL: run.Link}
	}
	var elements []element
	for _, piece := range pieces(content, maxContent) {
		elements = append(elements, element{Type: RunText, Text: &textContent{Content: piece, Link: to}, Annotations: style})
	}
	return elements, nil
}

func checkEquation(object json.RawMessage) error {
	var equation struct {
		Expression string `json:"expression"`
	}
	if err := read(object, &equation); err != nil {
		return err
	}
	return checkLength("An equation", equation.Expression, maxExpression)
}

// pieces cuts s into stretches of at most limit UTF-16 units, and not between a character and the marks or joiners that
// belong to it unless there are more of them than anybody writes.
func pieces(s string, limit int) []string {
	const marks = 32
	var cut []string
	runes := []rune(s)
	for len(runes) > 0 {
		end, n := 0, 0
		for end < len(runes) && n+units(runes[end]) <= limit {
			n += units(runes[end])
			end++
		}
		if end < len(runes) {
			for back := end; back > max(0, end-marks); back-- {
				if !glued(runes[back-1], runes[back]) {
					end = back
					break
				}
			}
		}
		cut = append(cut, string(runes[:end]))
		runes = runes[end:]
	}
	return cut
}

// glued reports whether two characters are seen as one.
func glued(a, b rune) bool {
	const joiner, firstSkin, lastSkin = '\u200d', '\U0001f3fb', '\U0001f3ff'
	return unicode.Is(unicode.M, b) || b == joiner || a == joiner || firstSkin <= b && b <= lastSkin || a == '\r' && b == '\n'
}
