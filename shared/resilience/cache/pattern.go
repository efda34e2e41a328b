package cache

import (
	"slices"
	"strings"
)

// All is the pattern that every key fits.
const All = "*"

// Matches reports whether a key fits a pattern, in which a star stands for anything and all else for itself. It takes at most as many steps
// as key and pattern are long, multiplied.
func Matches(pattern, key string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == key
	}
	rest, ok := strings.CutPrefix(key, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

func (i Invalidation) voids(p Place) bool {
	return slices.Contains(i.Kinds, p.Kind) && Matches(i.Pattern, p.Key)
}
