package notion

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/sync/property"
)

// maxItemPages bounds how many pages of one property are read: 100,000 references.
const maxItemPages = 1000

// PropertyItems reads the whole of one property of a page, however long, and gives it in the form that a page has it in,
// with has_more false: for property.Decode.
//
// https://developers.notion.com/reference/retrieve-a-page-property
func (c *Client) PropertyItems(ctx context.Context, pageID, propertyID string) (json.RawMessage, error) {
	page, err := pathID(pageID)
	if err != nil {
		return nil, err
	}
	path := "/v1/pages/" + page + "/properties/" + property.CanonicalID(propertyID)
	var items itemList
	cursor := ""
	for range maxItemPages {
		query := url.Values{"page_size": {strconv.Itoa(MaxPageSize)}}
		if cursor != "" {
			query.Set("start_cursor", cursor)
		}
		var raw json.RawMessage
		if _, err := c.call(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &raw); err != nil {
			return nil, err
		}
		next, err := items.add(raw)
		if err != nil {
			return nil, fault.Wrap(err, fault.Unavailable, "Notion answered with something that is no property")
		}
		if next == "" {
			whole, err := items.property()
			return whole, fault.Wrap(err, fault.Unavailable, "Notion answered with something that is no property")
		}
		cursor = next
	}
	return nil, fault.New(fault.TooLarge, "The property has more than %d values: remove some in Notion.", maxItemPages*MaxPageSize)
}

// itemList puts together what the property-item endpoint gives in pages.
type itemList struct {
	fields  map[string]json.RawMessage // of the property, by the last page
	listed  bool
	results []map[string]json.RawMessage
}

// add takes one answer and gives the cursor of the next, or "".
func (l *itemList) add(raw json.RawMessage) (next string, err error) {
	var answer struct {
		list

		Object  string                       `json:"object"`
		Item    map[string]json.RawMessage   `json:"property_item"`
		Results []map[string]json.RawMessage `json:"results"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return "", err
	}
	if answer.Object != "list" {
		return "", json.Unmarshal(raw, &l.fields)
	}
	l.listed, l.fields = true, answer.Item
	l.results = append(l.results, answer.Results...)
	return answer.next(), nil
}

// property returns the whole in the form that a page has it in.
func (l *itemList) property() (json.RawMessage, error) {
	if l.fields == nil && len(l.results) > 0 { // before 2022 a list did not say of what
		l.fields = map[string]json.RawMessage{"id": l.results[0]["id"], "type": l.results[0]["type"]}
	}
	var kind string
	if err := json.Unmarshal(l.fields["type"], &kind); err != nil {
		return nil, err
	}
	whole := map[string]any{"id": l.fields["id"], "type": kind, kind: l.fields[kind], "has_more": false}
	if l.listed {
		content, err := l.content(property.Type(kind))
		if err != nil {
			return nil, err
		}
		whole[kind] = content
	}
	return json.Marshal(whole)
}

func (l *itemList) content(kind property.Type) (any, error) {
	if kind == property.TypeRollup {
		return l.rollup()
	}
	elements := make([]json.RawMessage, 0, len(l.results))
	for _, result := range l.results {
		element, ok := result[string(kind)]
		if !ok {
			return nil, fault.New(fault.Invalid, "A %s lists something else.", kind)
		}
		elements = append(elements, element)
	}
	return elements, nil
}

// rollup returns a rollup: worked out, or the values that it shows.
func (l *itemList) rollup() (any, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(l.fields["rollup"], &fields); err != nil {
		return nil, err
	}
	if string(fields["type"]) != `"array"` {
		return fields, nil
	}
	for _, result := range l.results {
		delete(result, "object")
		delete(result, "id")
	}
	array, err := json.Marshal(l.results)
	fields["array"] = array
	return fields, err
}
