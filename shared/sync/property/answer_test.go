package property

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// fataler is a test or a check of a law.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// answer returns the property as Notion would answer it after the request: fuller, with what it adds by itself.
func answer(t fataler, id string, typ Type, request json.RawMessage) json.RawMessage {
	t.Helper()
	tree, err := parse(request)
	if err != nil {
		t.Fatal(err)
	}
	content := tree.(map[string]any)[string(typ)]
	switch typ {
	case TypeTitle, TypeRichText:
		for _, e := range content.([]any) {
			answerText(e.(map[string]any))
		}
	case TypeSelect, TypeStatus:
		if option, ok := content.(map[string]any); ok {
			option["id"], option["color"] = "b32c83bb-c9af-49e8-9b88-122139affdb7", "purple"
		}
	case TypeMultiSelect:
		for i, o := range content.([]any) {
			o.(map[string]any)["id"] = strconv.Itoa(i)
			o.(map[string]any)["color"] = "default"
		}
	case TypePeople:
		for _, p := range content.([]any) {
			person := p.(map[string]any)
			person["object"], person["name"], person["type"] = "user", "Somebody", "person"
			person["person"] = map[string]any{"email": "somebody@example.com"}
		}
	case TypeDate:
		if date, ok := content.(map[string]any); ok {
			for _, key := range []string{"end", "time_zone"} {
				if _, given := date[key]; !given {
					date[key] = nil
				}
			}
		}
	default:
	}
	property := map[string]any{"id": id, "type": typ, string(typ): content}
	if typ == TypeRelation {
		property["has_more"] = false
	}
	raw, err := marshal(property)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func answerText(e map[string]any) {
	full := map[string]any{"bold": false, "italic": false, "strikethrough": false, "underline": false, "code": false, "color": "default"}
	if given, ok := e["annotations"].(map[string]any); ok {
		for key, value := range given {
			full[key] = value
		}
	}
	e["annotations"], e["href"], e["plain_text"] = full, nil, "shown"
	switch e["type"] {
	case "text":
		text := e["text"].(map[string]any)
		e["plain_text"] = text["content"]
		if to, ok := text["link"].(map[string]any); ok {
			e["href"] = to["url"]
		} else {
			text["link"] = nil
		}
	case "equation":
		e["plain_text"] = e["equation"].(map[string]any)["expression"]
	case "mention":
		if mention := e["mention"].(map[string]any); mention["type"] == "user" {
			user := mention["user"].(map[string]any)
			user["object"], user["name"], user["avatar_url"] = "user", "Somebody", nil
		}
	}
}

// lostLeaves names the content of a recorded property that a request does not hold. What Notion adds by itself is not
// content: ids and colours of options, who a person is beside the id, what a text shows beside what it says.
func lostLeaves(t *testing.T, typ Type, recorded, request json.RawMessage) []string {
	t.Helper()
	var said map[string]json.RawMessage
	if err := json.Unmarshal(recorded, &said); err != nil {
		t.Fatal(err)
	}
	tree, err := parse(said[string(typ)])
	if err != nil {
		t.Fatal(err)
	}
	kept, err := parse(request)
	if err != nil {
		t.Fatal(err)
	}
	sent := map[string]int{}
	eachLeaf("", kept, func(_ string, leaf any) { sent[fmt.Sprint(leaf)]++ })
	whole := sentText(kept)
	var lost []string
	eachLeaf("", tree, func(path string, leaf any) {
		s := fmt.Sprint(leaf)
		switch {
		case added(typ, path) || leaf == nil || leaf == false || leaf == "default":
		case strings.HasSuffix(path, ".content") && strings.Contains(whole, s):
		case strings.HasSuffix(path, ".start") || strings.HasSuffix(path, ".end"):
			if sent[canonicalTime(s)] == 0 {
				lost = append(lost, path+"="+s)
			}
		case typ == TypeNumber:
			if sent[string(canonicalNumber(leaf.(json.Number)))] == 0 {
				lost = append(lost, path+"="+s)
			}
		case strings.HasSuffix(path, ".id") && sent[canonicalRef(s)] > 0:
		case sent[s] == 0:
			lost = append(lost, path+"="+s)
		}
	})
	return lost
}

// sentText returns the text of a request, put together again.
func sentText(tree any) string {
	var b strings.Builder
	var walk func(any)
	walk = func(tree any) {
		switch node := tree.(type) {
		case map[string]any:
			if content, ok := node["content"].(string); ok {
				b.WriteString(content)
			}
			for _, child := range node {
				walk(child)
			}
		case []any:
			for _, child := range node {
				walk(child)
			}
		}
	}
	walk(tree)
	return b.String()
}

func eachLeaf(path string, tree any, visit func(path string, leaf any)) {
	switch node := tree.(type) {
	case map[string]any:
		for key, child := range node {
			eachLeaf(path+"."+key, child, visit)
		}
	case []any:
		for _, child := range node {
			eachLeaf(path, child, visit)
		}
	default:
		visit(path, tree)
	}
}

// added reports whether Notion writes the leaf by itself.
func added(typ Type, path string) bool {
	switch typ {
	case TypeSelect, TypeStatus, TypeMultiSelect:
		return path != ".name"
	case TypePeople:
		return path != ".id"
	case TypeTitle, TypeRichText:
		switch path {
		case ".type", ".plain_text", ".href", ".text.link.type", ".mention.type":
			return true
		}
		mention, ok := strings.CutPrefix(path, ".mention.")
		kind, field, _ := strings.Cut(mention, ".")
		return ok && !slices.Contains(mentioned()[kind], field)
	default:
		return false
	}
}

// mentioned gives, by its kind, what a mention says beyond names and pictures. Kinds that Notion takes in no request keep
// their address.
func mentioned() map[string][]string {
	return map[string][]string{
		mentionUser: {"id"}, mentionPage: {"id"}, mentionDatabase: {"id"}, mentionEmoji: {"id"},
		mentionDate:     {"start", "end", "time_zone"},
		mentionTemplate: {"type", "template_mention_date", "template_mention_user"},
		mentionLink:     {"href"}, mentionPreview: {"url"},
	}
}
