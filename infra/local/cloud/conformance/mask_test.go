//go:build conformance

package conformance_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	refusal = regexp.MustCompile(`An error occurred \(([^)]+)\)`)
	account = regexp.MustCompile(`\b\d{12}\b`)
	suffix  = regexp.MustCompile(`(:secret:[^"]+)-[A-Za-z0-9]{6}$`)
	host    = regexp.MustCompile(`^http://[^/]+/`)
	uuid    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	seconds = regexp.MustCompile(`^\d{10}(\.\d+)?$`)
	millis  = regexp.MustCompile(`^\d{13}$`)
)

// masked returns what can be compared of an answer: the code of an error, without its sentence, or the JSON with what no two
// services share, ids, times, handles, hosts and accounts, put out of sight.
func masked(t *testing.T, a answer, but []string) string {
	t.Helper()
	if code := refusal.FindStringSubmatch(a.Err); code != nil {
		return "refused: " + code[1]
	}
	if a.Code != 0 {
		t.Fatalf("the aws command line failed: %+v", a)
	}
	if strings.TrimSpace(a.Out) == "" {
		a.Out = "{}"
	}
	var value any
	if err := json.Unmarshal([]byte(a.Out), &value); err != nil {
		t.Fatalf("%v: %s", err, a.Out)
	}
	var encoded strings.Builder
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(mask("", value, but)); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(encoded.String())
}

// mask leaves out the members named in but, and what is empty, which says as much as what is absent.
func mask(key string, value any, but []string) any {
	switch value := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, v := range value {
			if v := mask(k, v, but); v != nil && !slices.Contains(but, k) {
				out[maskKey(out, k)] = v
			}
		}
		if len(out) == 0 && key != "" {
			return nil
		}
		return out
	case []any:
		out := make([]any, 0, len(value))
		for _, v := range value {
			out = append(out, mask(key, v, but))
		}
		if len(out) == 0 {
			return nil
		}
		if key != "Messages" { // AWS promises no other order
			slices.SortFunc(out, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
		return out
	case float64:
		if strings.HasSuffix(key, "Date") || strings.HasSuffix(key, "Timestamp") {
			return "<time>"
		}
		return value
	case string:
		return maskText(key, value)
	}
	return value
}

// maskKey keeps the number of keys that are ids, such as the versions of a secret.
func maskKey(out map[string]any, key string) string {
	if !uuid.MatchString(key) {
		return key
	}
	return fmt.Sprintf("<id %d>", len(out))
}

func maskText(key, value string) any {
	switch {
	case strings.HasSuffix(key, "Date") || seconds.MatchString(value) || millis.MatchString(value):
		return "<time>"
	case slices.Contains([]string{"ReceiptHandle", "SequenceNumber", "SenderId", "TaskHandle", "NextToken", "Message"}, key):
		return "<" + key + ">"
	case key == "RedrivePolicy": // with spaces or without
		var compact bytes.Buffer
		if json.Compact(&compact, []byte(value)) == nil {
			value = compact.String()
		}
	}
	value = host.ReplaceAllString(value, "http://<host>/")
	value = suffix.ReplaceAllString(value, "$1-<suffix>")
	return account.ReplaceAllString(uuid.ReplaceAllString(value, "<id>"), "<account>")
}
