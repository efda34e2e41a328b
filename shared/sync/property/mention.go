package property

import "encoding/json"

// The kinds of mention that Notion documents.
//
// https://developers.notion.com/reference/rich-text#mention
const (
	mentionUser     = "user"
	mentionPage     = "page"
	mentionDatabase = "database"
	mentionEmoji    = "custom_emoji"
	mentionDate     = "date"
	mentionTemplate = "template_mention"
	mentionLink     = "link_mention"
	mentionPreview  = "link_preview"
)

// canonicalMention returns the canonical JSON of a mention, in the form that a request takes where the kind may be written:
// the thing that it names, without the titles, names and pictures that follow the thing. It is nil where nothing is named.
func canonicalMention(raw json.RawMessage) ([]byte, error) {
	kind, err := mentionKind(raw)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := read(raw, &fields); err != nil || fields == nil {
		return nil, err
	}
	switch kind {
	case mentionUser, mentionPage, mentionDatabase, mentionEmoji:
		return namedMention(kind, "id", fields[kind])
	case mentionLink:
		return namedMention(kind, "href", fields[kind])
	case mentionPreview:
		return namedMention(kind, "url", fields[kind])
	case mentionDate:
		return dateMention(fields[kind])
	default:
		return Canonical(raw)
	}
}

func mentionKind(raw json.RawMessage) (string, error) {
	var mention struct {
		Type string `json:"type"`
	}
	err := read(raw, &mention)
	return mention.Type, err
}

// namedMention keeps the one field of a mention that is content.
func namedMention(kind, key string, raw json.RawMessage) ([]byte, error) {
	var fields map[string]any
	if err := readIfAny(raw, &fields); err != nil {
		return nil, err
	}
	name, ok := fields[key].(string)
	if !ok || name == "" {
		return nil, nil
	}
	return marshal(map[string]any{"type": kind, kind: map[string]any{key: settle(key, name)}})
}

func dateMention(raw json.RawMessage) ([]byte, error) {
	var date dateObject
	if err := readIfAny(raw, &date); err != nil || date.Start == "" {
		return nil, err
	}
	content := Date{Start: canonicalTime(date.Start), End: canonicalTime(date.End), Zone: date.Zone}.content()
	return marshal(map[string]any{"type": mentionDate, mentionDate: dateObject(content)})
}

// writable reports whether a request may hold the run as what it is. Notion takes no previews and no mentions of links.
func (r Run) writable() bool {
	switch r.Kind {
	case RunText, RunEquation:
		return true
	case RunMention:
		kind, err := mentionKind(r.Object)
		if err != nil {
			return false
		}
		switch kind {
		case mentionUser, mentionPage, mentionDatabase, mentionEmoji, mentionDate, mentionTemplate:
			return true
		}
	}
	return false
}
