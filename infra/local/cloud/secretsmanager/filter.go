package secretsmanager

import (
	"slices"
	"strings"
)

// filter chooses secrets. Its values are alternatives, and several filters must all hold. A value that begins with an
// exclamation mark chooses what does not match the rest of it.
//
// See https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_search-secret.html.
type filter struct {
	Key    string
	Values []string
}

func checkFilters(filters []filter) error {
	for _, f := range filters {
		switch f.Key {
		case "name", "description", "tag-key", "tag-value", "all":
		case "primary-region", "owning-service":
			return invalidParameter("Filter key %s is not offered by the local cloud.", f.Key)
		default:
			return validation("Filter key %q must be one of name, description, tag-key, tag-value, all.", f.Key)
		}
		if len(f.Values) == 0 || len(f.Values) > 10 {
			return invalidParameter("Filter %s must have between 1 and 10 values.", f.Key)
		}
	}
	return nil
}

func matches(filters []filter, s *secret) bool {
	for _, f := range filters {
		matched := slices.ContainsFunc(f.Values, func(value string) bool {
			wanted, negated := strings.CutPrefix(value, "!")
			return f.finds(s, wanted) != negated
		})
		if !matched {
			return false
		}
	}
	return true
}

// finds compares beginnings: names and tags as they are written, words of the description and of everything in any case.
func (f filter) finds(s *secret, wanted string) bool {
	begins := func(text string) bool { return strings.HasPrefix(text, wanted) }
	switch f.Key {
	case "name":
		return begins(s.Name)
	case "description":
		return hasWord(s.Description, wanted)
	case "tag-key":
		return slices.ContainsFunc(s.Tags, func(t tag) bool { return begins(t.Key) })
	case "tag-value":
		return slices.ContainsFunc(s.Tags, func(t tag) bool { return begins(t.Value) })
	}
	return hasWord(s.Name, wanted) || hasWord(s.Description, wanted) ||
		slices.ContainsFunc(s.Tags, func(t tag) bool { return hasWord(t.Key, wanted) || hasWord(t.Value, wanted) })
}

func hasWord(text, beginning string) bool {
	lower, beginning := strings.ToLower(text), strings.ToLower(beginning)
	for i := range lower {
		starts := i == 0 || notAlphanumeric(rune(lower[i-1]))
		if starts && strings.HasPrefix(lower[i:], beginning) {
			return true
		}
	}
	return false
}
