package property

import (
	"encoding/json"
	"strings"
)

// annotations is Notion's spelling of Style: the same fields, so that one converts to the other.
type annotations struct {
	Bold          bool   `json:"bold,omitempty"`
	Italic        bool   `json:"italic,omitempty"`
	Strikethrough bool   `json:"strikethrough,omitempty"`
	Underline     bool   `json:"underline,omitempty"`
	Code          bool   `json:"code,omitempty"`
	Color         string `json:"color,omitempty"`
}

// richText is one rich text object, as far as every kind of it has the same.
//
// https://developers.notion.com/reference/rich-text
type richText struct {
	Type RunKind `json:"type"`
	Text *struct {
		Content string `json:"content"`
		Link    *struct {
			URL string `json:"url"`
		} `json:"link"`
	} `json:"text"`
	Annotations annotations `json:"annotations"`
	PlainText   string      `json:"plain_text"`
	Href        string      `json:"href"`
}

func decodeText(raw json.RawMessage) (Value, error) {
	var items []richText
	if err := readList(raw, &items); err != nil {
		return nil, err
	}
	var objects []map[string]json.RawMessage // the items once more, where one is not text
	runs := make([]Run, len(items))
	for i, item := range items {
		if runs[i] = item.run(); item.Text != nil {
			continue
		}
		if objects == nil {
			if err := readList(raw, &objects); err != nil {
				return nil, err
			}
		}
		if err := item.standIn(&runs[i], objects[i][string(item.Type)]); err != nil {
			return nil, err
		}
	}
	return orNil(join(runs)), nil
}

// run returns the text of the item, or what a reader sees of what stands in for text.
func (item richText) run() Run {
	run := Run{Kind: RunText, Text: item.PlainText, Style: Style(item.Annotations)}
	if run.Style.Color == "default" {
		run.Style.Color = ""
	}
	if item.Text != nil {
		run.Text = item.Text.Content
		if item.Text.Link != nil {
			run.Link = item.Text.Link.URL
		}
	}
	return run
}

// standIn makes a run of what stands in for text, if anything does.
func (item richText) standIn(run *Run, raw json.RawMessage) error {
	object, err := decodeObject(item.Type, raw)
	if err != nil || object == nil {
		return err
	}
	run.Kind, run.Object = item.Type, object
	if !run.writable() {
		run.Link = item.Href // all that will be left of it in a request
	}
	return nil
}

// decodeObject returns the canonical JSON of what stands in for text; nil where there is nothing.
func decodeObject(kind RunKind, raw json.RawMessage) ([]byte, error) {
	if raw == nil {
		return nil, nil
	}
	if kind == RunMention {
		return canonicalMention(raw)
	}
	object, err := Canonical(raw)
	if err != nil || string(object) == "null" {
		return nil, err
	}
	return object, nil
}

// join returns runs in canonical form: adjacent text of one style and link merged, none empty.
func join(runs []Run) Text {
	var text Text
	for _, run := range runs {
		if run.Kind == RunText && run.Text == "" {
			continue
		}
		if last := len(text) - 1; last >= 0 && text[last].continues(run) {
			text[last].Text += run.Text
			continue
		}
		text = append(text, run)
	}
	return text
}

// continues reports whether two runs of text are one.
func (r Run) continues(next Run) bool {
	return r.Kind == RunText && next.Kind == RunText && r.Link == next.Link && r.Style == next.Style
}

// PlainText returns what a reader sees of a text.
func PlainText(text Text) string {
	var b strings.Builder
	for _, run := range text {
		b.WriteString(run.Text)
	}
	return b.String()
}
