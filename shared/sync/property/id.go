package property

import (
	"net/url"
	"strings"
)

// CanonicalID returns the one spelling of a property's id: percent-encoded, as Notion answers since 2022 and as it may be
// passed on unchanged in a path, as a key of a request or in a filter. Older versions answer the bare spelling (`qY[D` for
// `qY%5BD`). A bare id holds no percent sign, so both spellings tell themselves apart.
func CanonicalID(id string) string {
	bare, err := url.PathUnescape(id)
	if err != nil {
		bare = id
	}
	return strings.ReplaceAll(url.QueryEscape(bare), "+", "%20")
}

// DashedID returns the id of a page, a database, a data source or a user in its one spelling, dashed and in lower case,
// and whether id is one at all: 32 hexadecimal digits, dashed or not.
func DashedID(id string) (string, bool) {
	digits := strings.ToLower(strings.ReplaceAll(id, "-", ""))
	if len(digits) != 32 || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", false
	}
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:], true
}

// canonicalRef dashes what is an id and leaves the rest as it is.
func canonicalRef(id string) string {
	if dashed, ok := DashedID(id); ok {
		return dashed
	}
	return id
}
