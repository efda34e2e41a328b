package logging

import (
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Redacted stands where a secret would.
const Redacted = "[redacted]"

// redact keeps secrets out of a line. It is the second defence: the first is their type, secret.Text, which does not show them. What an
// attribute's name or an address says is a secret is not written, whatever its type.
func redact(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindLogValuer {
		a.Value = a.Value.Resolve()
	}
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(shown(a.Key, a.Value.String()))
	case slog.KindAny:
		switch v := a.Value.Any().(type) {
		case error:
			a.Value = slog.StringValue(shown(a.Key, textOf(v)))
		case []byte:
			a.Value = slog.StringValue(shown(a.Key, string(v)))
		case *url.URL:
			a.Value = slog.StringValue(shown(a.Key, v.String()))
		case http.Header:
			a.Value = slog.AnyValue(headers(v))
		case []string:
			a.Value = slog.AnyValue(texts(a.Key, v))
		default:
			if secretName(a.Key) && v != nil {
				a.Value = slog.StringValue(Redacted)
			}
		}
	case slog.KindGroup: // its members come by themselves
	default: // numbers and times hold none
	}
	return a
}

// textOf returns an error's text. An error whose text panics, a nil pointer perhaps, does not end the invocation that logs it.
func textOf(err error) (text string) {
	defer func() {
		if recover() != nil {
			text = "an error without a text"
		}
	}()
	return err.Error()
}

func shown(name, text string) string {
	if text != "" && secretName(name) {
		return Redacted
	}
	return scrub(text)
}

func texts(name string, all []string) []string {
	result := make([]string, len(all))
	for i, text := range all {
		result[i] = shown(name, text)
	}
	return result
}

func headers(h http.Header) map[string][]string {
	result := make(map[string][]string, len(h))
	for name, values := range h {
		result[name] = texts(name, values)
	}
	return result
}

// secretWords end the names of what is secret: access_token, clientSecret, X-API-Key, Set-Cookie.
//
//nolint:gochecknoglobals // a table
var secretWords = []string{
	"apikey", "authorization", "bearer", "cookie", "credential", "credentials", "dsn", "jwt", "passphrase", "passwd", "password", "privatekey", "pwd", "rolekey",
	"secret", "secrets", "signature", "token", "tokens",
}

// secretNames are secret as a whole name only: a status_code is none.
var secretNames = []string{"auth", "code", "key", "oauthcode", "oauthstate", "state"} //nolint:gochecknoglobals // a table

// secretName reports whether what goes by a name is a secret.
func secretName(name string) bool {
	name = strings.NewReplacer("_", "", "-", "", ".", "").Replace(strings.ToLower(name))
	return slices.Contains(secretNames, name) ||
		slices.ContainsFunc(secretWords, func(word string) bool { return strings.HasSuffix(name, word) })
}

var (
	// An address: what stands before its host and behind its path may be a secret.
	address = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s"'<>\\]+`)
	// What is called secret within a text: password=…, "token":"…", Authorization: Bearer ….
	named = regexp.MustCompile(`(?i)\b([a-z_-]*(?:password|passwd|secret|token|api[_-]?key|authorization|cookie))(\\?"?\s*[=:]\s*\\?"?)((?:(?:bearer|basic)\s+)?[^\s"',;&\\]+)`)
	// Advice goes on in words.
	plainWord = regexp.MustCompile(`^[a-z]{1,10}$`)
	sentence  = regexp.MustCompile(`^ (?:[a-z]+ ){1,3}[a-z]+\b`)
	// What says by its shape that it is a secret: keys and tokens of ours, of Notion's, of Supabase's, and what follows Bearer.
	shaped = regexp.MustCompile(`\b(?:act_[0-9a-f]{16}_|ntn_|nrt_|secret_|whsec_|sbp_|sb_secret_)[A-Za-z0-9+/=_-]{8,}|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*|(?i:\b(?:bearer|basic) )[A-Za-z0-9+/=._~-]{8,}`)
)

// scrub takes secrets out of a text, as far as they can be told.
func scrub(text string) string {
	if strings.Contains(text, "://") {
		text = address.ReplaceAllStringFunc(text, bare)
	}
	text = shaped.ReplaceAllString(text, Redacted)
	if strings.ContainsAny(text, "=:") {
		text = unnamed(text)
	}
	return text
}

// unnamed takes out what is called secret within a text. Advice is none: "Notion does not accept the token: connect the workspace again".
func unnamed(text string) string {
	var kept strings.Builder
	at := 0
	for _, found := range named.FindAllStringSubmatchIndex(text, -1) {
		between, value := text[found[4]:found[5]], text[found[6]:found[7]]
		if between == ": " && plainWord.MatchString(value) && sentence.MatchString(text[found[7]:]) {
			continue
		}
		kept.WriteString(text[at:found[6]] + Redacted)
		at = found[7]
	}
	return kept.String() + text[at:]
}

// bare returns an address without what is told to nobody but its host. A password may hold what else ends one.
func bare(text string) string {
	scheme, rest, _ := strings.Cut(text, "://")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = Redacted + rest[at:]
	}
	if cut := strings.IndexAny(rest, "?#"); cut >= 0 {
		rest = rest[:cut+1] + Redacted
	}
	return scheme + "://" + rest
}
