package property

import (
	"testing"

	"pgregory.net/rapid"
)

func TestCanonicalID(t *testing.T) {
	t.Parallel()
	for bare, want := range map[string]string{
		"title": "title", "qY[D": "qY%5BD", "qY%5BD": "qY%5BD", "_x>=": "_x%3E%3D", "jWe~": "jWe~", "pwp_": "pwp_",
		"notion://wiki/owner_property": "notion%3A%2F%2Fwiki%2Fowner_property", "%3A%3Avz": "%3A%3Avz", "%3a": "%3A", "": "", "a b": "a%20b", "100%": "100%25",
	} {
		if got := CanonicalID(bare); got != want {
			t.Errorf("%q became %q, not %q", bare, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.String().Draw(t, "id")
		if once := CanonicalID(id); CanonicalID(once) != once {
			t.Fatalf("%q became %q and then %q", id, once, CanonicalID(once))
		}
	})
}

func TestDashedID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"c01166c613ae45cbb96818b4ef2f5a77":     pageID,
		"C01166C6-13AE-45cb-b968-18b4ef2f5a77": pageID,
		"":                                     "", "title": "", "c01166c613ae45cbb96818b4ef2f5a7": "", "g01166c613ae45cbb96818b4ef2f5a77": "", "c01166c613ae45cbb96818b4ef2f5a77/x": "",
	} {
		if got, ok := DashedID(id); got != want || ok != (want != "") {
			t.Errorf("%q became %q, %v", id, got, ok)
		}
	}
}
