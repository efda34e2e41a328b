package workspace

import (
	"regexp"
	"slices"

	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// maxAddress is how long the address of an icon or a cover may be.
const maxAddress = 2000

// iconColors are the colors of Notion's own icons.
func iconColors() []string {
	return []string{"gray", "lightgray", "brown", "yellow", "orange", "green", "blue", "purple", "pink", "red"}
}

// parseIcon reads an icon: an emoji, one of Notion's own icons, a custom emoji or a file at an address. What is not there, or null,
// is none.
//
// https://developers.notion.com/reference/emoji-object
func (w *Workspace) parseIcon(n wire.Node) Media {
	if !n.Present() || n.Null() || !n.Object() {
		return nil
	}
	n.Only("type", "emoji", "icon", "custom_emoji", "external")
	switch {
	case n.Has("emoji"):
		return emoji(n.Get("emoji").Bounded(100))
	case n.Has("icon"):
		icon := n.Get("icon")
		icon.Only("name", "color")
		color := "gray"
		if icon.Has("color") {
			color = icon.Get("color").OneOf(iconColors()...)
		}
		return ownIcon(icon.Get("name").Bounded(100), color)
	case n.Has("custom_emoji"):
		custom := n.Get("custom_emoji")
		custom.Only("id", "name", "url")
		return customEmoji(custom)
	default:
		return w.external(n.Get("external"))
	}
}

// parseCover reads a cover: a file at an address. What is not there, or null, is none.
func parseCover(n wire.Node) Media {
	if !n.Present() || n.Null() || !n.Object() {
		return nil
	}
	n.Only("type", "external")
	return file(n.Get("external").Get("url").Bounded(maxAddress))
}

// external reads a file at an address as an icon: the address of one of Notion's own icons is that icon.
func (w *Workspace) external(n wire.Node) Media {
	address := n.Get("url").Bounded(maxAddress)
	if found := w.ownIcons.FindStringSubmatch(address); found != nil && slices.Contains(iconColors(), found[2]) {
		return ownIcon(found[1], found[2])
	}
	return file(address)
}

// ownIconAddress matches the address of one of Notion's own icons, such as https://www.notion.so/icons/pizza_blue.svg.
func ownIconAddress() *regexp.Regexp {
	return regexp.MustCompile(`^https://(?:www\.)?notion\.so/icons/([a-z0-9-]+)_([a-z]+)\.svg(?:\?.*)?$`)
}

func emoji(s string) Media {
	var b wire.Buffer
	b.Open()
	b.Key("type").String("emoji")
	b.Key("emoji").String(s)
	b.Close()
	return b.Bytes()
}

func ownIcon(name, color string) Media {
	var b wire.Buffer
	b.Open()
	b.Key("type").String("icon")
	b.Key("icon").Open()
	b.Key("name").String(name)
	b.Key("color").String(color)
	b.Close()
	b.Close()
	return b.Bytes()
}

// customEmoji reads a custom emoji. The simulator keeps none: what a request does not say of it is made up from its id.
func customEmoji(n wire.Node) Media {
	id := n.Get("id").UUID()
	name, address := "custom", "https://s3-us-west-2.amazonaws.com/public.notion-static.com/"+id+"/custom.png"
	if n.Has("name") {
		name = n.Get("name").Bounded(100)
	}
	if n.Has("url") {
		address = n.Get("url").Bounded(maxAddress)
	}
	var b wire.Buffer
	b.Open()
	b.Key("type").String("custom_emoji")
	b.Key("custom_emoji").Open()
	b.Key("id").String(id)
	b.Key("name").String(name)
	b.Key("url").String(address)
	b.Close()
	b.Close()
	return b.Bytes()
}

func file(address string) Media {
	var b wire.Buffer
	b.Open()
	b.Key("type").String("external")
	b.Key("external").Open()
	b.Key("url").String(address)
	b.Close()
	b.Close()
	return b.Bytes()
}
