package workspace

import (
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// parseMedia reads an icon or a cover: an emoji or a file at an address. What is not there, or null, is none.
func parseMedia(n wire.Node) Media {
	if !n.Present() || n.Null() || !n.Object() {
		return nil
	}
	n.Only("type", "emoji", "external")
	var b wire.Buffer
	b.Open()
	if n.Has("emoji") {
		b.Key("type").String("emoji")
		b.Key("emoji").String(n.Get("emoji").Bounded(100))
	} else {
		b.Key("type").String("external")
		b.Key("external").Open()
		b.Key("url").String(n.Get("external").Get("url").Bounded(2000))
		b.Close()
	}
	b.Close()
	return b.Bytes()
}
