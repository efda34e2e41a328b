package workspace

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
	"github.com/act-platform/enhanced-integration/infra/notionsim/wire"
)

// ItemRequest asks for one property of a page.
type ItemRequest struct {
	PageID    string
	Property  string // id or name
	Size      int
	Start     string // cursor, or ""
	RequestID string
}

// AppendItem writes a property item: an object, or for what may be long a page of a list.
//
// https://developers.notion.com/reference/retrieve-a-page-property
func (w *Workspace) AppendItem(b *wire.Buffer, r ItemRequest, a Actor) error {
	page, err := w.Page(r.PageID, a)
	if err != nil {
		return err
	}
	p := w.SchemaOf(page).Find(r.Property)
	if p == nil || w.omitted(w.SchemaOf(page), p, reader{bot: a.Bot}) {
		err := a.NotFound("property", r.Property)
		err.Message = "Could not find property with name or id: " + r.Property
		return err
	}
	v, show := w.valueOf(page, p, reader{bot: a.Bot}), w.view(0)
	if !value.Listed(p.Type) {
		b.Open()
		value.AppendItem(b, p, v, show)
		b.Key("request_id").String(r.RequestID)
		b.Close()
		return nil
	}
	elements := value.Elements(p, v, show)
	from := 0
	if r.Start != "" {
		if from, err = w.sealer.OpenOffset(r.Start, page.ID+p.ID); err != nil {
			return err
		}
	}
	from = min(from, len(elements))
	to := min(from+r.Size, len(elements))
	next, nextURL := "", ""
	if to < len(elements) {
		next = w.sealer.SealOffset(to, page.ID+p.ID)
		nextURL = "https://api.notion.com/v1/pages/" + strings.ReplaceAll(page.ID, "-", "") + "/properties/" + p.EncodedID() +
			"?start_cursor=" + url.QueryEscape(next) + "&page_size=" + strconv.Itoa(r.Size)
	}
	b.Open()
	b.Key("object").String("list")
	b.Key("results").Array()
	for _, write := range elements[from:to] {
		write(b)
	}
	b.EndArray()
	b.Key("next_cursor").StringOrNull(next)
	b.Key("has_more").Bool(next != "")
	b.Key("type").String("property_item")
	value.AppendListHead(b, p, v, nextURL, show)
	b.Key("request_id").String(r.RequestID)
	b.Close()
	return nil
}
