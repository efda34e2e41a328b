package seal_test

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/act-platform/enhanced-integration/shared/fault"
	"github.com/act-platform/enhanced-integration/shared/secret"
	"github.com/act-platform/enhanced-integration/shared/secret/seal"
)

// key returns a key that is made of one byte.
func key(b byte) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune(b)), 32)))
}

func ring(t testing.TB, text string) seal.Ring {
	t.Helper()
	r, err := seal.ParseRing(secret.Of(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestWhatIsSealedOpens: any secret opens beside what it was sealed for, and nothing of it shows.
func TestWhatIsSealedOpens(t *testing.T) {
	t.Parallel()
	r := ring(t, key('a'))
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.StringN(1, 100, -1).Draw(t, "secret")
		about := rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "about")
		sealed, err := r.Seal(rand.Reader, secret.Of(plain), about...)
		if err != nil || !seal.Sealed(sealed) || !strings.HasPrefix(sealed, r.Prefix()) || len(plain) > 3 && strings.Contains(sealed, plain) {
			t.Fatalf("%q, %v", sealed, err)
		}
		if again, _ := r.Seal(rand.Reader, secret.Of(plain), about...); again == sealed {
			t.Fatal("the same secret is sealed to the same text")
		}
		if opened, err := r.Open(sealed, about...); err != nil || opened.Reveal() != plain {
			t.Fatalf("%q, %v", opened.Reveal(), err)
		}
	})
}

// TestNoDamageOpens: whatever byte of a sealed text is another, it does not open.
func TestNoDamageOpens(t *testing.T) {
	t.Parallel()
	r := ring(t, key('a'))
	sealed, err := r.Seal(rand.Reader, secret.Of("whsec_x"), "c", "s")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(sealed)-1).Draw(t, "at")
		other := []byte(sealed)
		if other[at] = rapid.Byte().Draw(t, "byte"); string(other) == sealed {
			return
		}
		if opened, err := r.Open(string(other), "c", "s"); err == nil || !opened.Empty() {
			t.Fatalf("%q opens", other)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	r := ring(t, key('a'))
	sealed, err := r.Seal(rand.Reader, secret.Of("whsec_x"), "connection", "subscription")
	if err != nil {
		t.Fatal(err)
	}
	empty, err := r.Seal(rand.Reader, secret.Of(""), "connection", "subscription")
	if err != nil {
		t.Fatal(err)
	}
	right := []string{"connection", "subscription"}
	for name, c := range map[string]struct {
		ring   seal.Ring
		sealed string
		about  []string
		want   fault.Kind
	}{
		"another key":              {ring(t, key('b')), sealed, right, fault.Unavailable},
		"no key":                   {seal.Ring{}, sealed, right, fault.Unavailable},
		"another row":              {r, sealed, []string{"connection", "other"}, fault.Internal},
		"another connection":       {r, sealed, []string{"other", "subscription"}, fault.Internal},
		"parts that read alike":    {r, sealed, []string{"connections", "ubscription"}, fault.Internal},
		"cut short":                {r, sealed[:len(sealed)-1], right, fault.Internal},
		"cut within the nonce":     {r, sealed[:20], right, fault.Internal},
		"a line end":               {r, sealed + "\n", right, fault.Internal},
		"the form alone":           {r, "sealed1:", right, fault.Internal},
		"nothing":                  {r, "", right, fault.Internal},
		"a secret as it is":        {r, "whsec_AAAA", right, fault.Internal},
		"an empty secret":          {r, empty, right, fault.Internal},
		"a later form of the text": {r, strings.Replace(sealed, "sealed1", "sealed2", 1), right, fault.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if opened, err := c.ring.Open(c.sealed, c.about...); !opened.Empty() || fault.KindOf(err) != c.want {
				t.Errorf("%q, %v", opened.Reveal(), err)
			}
		})
	}
}

// TestRotation: while there are two keys, the new one seals and both open; after it the old one's do not.
func TestRotation(t *testing.T) {
	t.Parallel()
	before, during, after := ring(t, key('a')), ring(t, key('b')+" "+key('a')), ring(t, key('b'))
	old, err := before.Seal(rand.Reader, secret.Of("secret"))
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := during.Seal(rand.Reader, secret.Of("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if is := strings.HasPrefix; is(old, during.Prefix()) || !is(fresh, during.Prefix()) || !is(fresh, after.Prefix()) || !is(old, (seal.Ring{}).Prefix()) {
		t.Error("what is to be sealed anew is not told")
	}
	for name, c := range map[string]struct {
		ring   seal.Ring
		sealed string
		opens  bool
	}{
		"the old one's, during": {during, old, true}, "the new one's, during": {during, fresh, true},
		"the old one's, after": {after, old, false}, "the new one's, after": {after, fresh, true},
		"the new one's, before": {before, fresh, false},
	} {
		if opened, err := c.ring.Open(c.sealed); (opened.Reveal() == "secret") != c.opens || (err == nil) != c.opens {
			t.Errorf("%s: %q, %v", name, opened.Reveal(), err)
		}
	}
}

func TestParseRing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text  string
		good  bool
		empty bool
	}{
		"none":           {"", true, true},
		"spaces":         {" \n", true, true},
		"one":            {key('a') + "\n", true, false},
		"two":            {key('b') + " " + key('a'), true, false},
		"three":          {key('c') + " " + key('b') + " " + key('a'), false, true},
		"too short":      {base64.StdEncoding.EncodeToString(make([]byte, 31)), false, true},
		"too long":       {base64.StdEncoding.EncodeToString(make([]byte, 33)), false, true},
		"no base64":      {strings.Repeat("!", 44), false, true},
		"one that is no": {key('a') + " none", false, true},
	} {
		r, err := seal.ParseRing(secret.Of(c.text))
		if (err == nil) != c.good || r.Empty() != c.empty {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (fault.KindOf(err) != fault.Invalid || strings.Contains(err.Error(), "!!!")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSealRefuses(t *testing.T) {
	t.Parallel()
	if sealed, err := (seal.Ring{}).Seal(rand.Reader, secret.Of("secret")); sealed != "" || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%q, %v", sealed, err)
	}
	broken := errors.New("no random")
	if sealed, err := ring(t, key('a')).Seal(iotest.ErrReader(broken), secret.Of("secret")); sealed != "" || !errors.Is(err, broken) {
		t.Errorf("%q, %v", sealed, err)
	}
}
