package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/act-platform/enhanced-integration/shared/secret"
)

const hidden = "hidden-0123456789"

// holder has a secret where fmt asks its methods, and where it cannot.
type holder struct {
	Open   secret.Text
	closed secret.Text
	inner  struct{ token secret.Text }
	list   []secret.Text
}

// TestNothingShowsASecret: whatever prints, logs or marshals one, alone or within something else, does not tell it.
func TestNothingShowsASecret(t *testing.T) {
	t.Parallel()
	s := secret.Of(hidden)
	h := holder{Open: s, closed: s, list: []secret.Text{s}}
	h.inner.token = s
	for _, value := range []any{s, &s, h, &h, []secret.Text{s}, map[string]secret.Text{"k": s}, map[string]any{"k": h}, [1]any{&h}, struct{ error }{fmt.Errorf("%v %+v %s", s, h, s)}} {
		var shown strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%T", "%10.3s"} {
			fmt.Fprintf(&shown, verb, value)
		}
		fmt.Fprint(&shown, value, fmt.Errorf("%w: %v", errors.New("x"), value))
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Errorf("%T: %v", value, err)
		}
		shown.Write(encoded)
		for _, handler := range []slog.Handler{slog.NewJSONHandler(&shown, nil), slog.NewTextHandler(&shown, nil)} {
			slog.New(handler).Info("m", "k", value, slog.Group("g", "k", value))
		}
		hex := fmt.Sprintf("%x", hidden)
		if got := strings.ToLower(shown.String()); strings.Contains(got, "hidden") || strings.Contains(got, hex) || strings.Contains(got, fmt.Sprintf("%d", []byte(hidden))) {
			t.Errorf("%T shows it: %s", value, got)
		}
	}
	if text, err := s.MarshalText(); err != nil || string(text) != secret.Shown {
		t.Errorf("%s, %v", text, err)
	}
	if none := fmt.Sprint(secret.Text{}); none != fmt.Sprint(s) {
		t.Errorf("%s tells that there is none", none)
	}
}

func TestReveal(t *testing.T) {
	t.Parallel()
	one, two, none := secret.Of(hidden), secret.Of("hidden-"+"0123456789"), secret.Of("")
	if one.Reveal() != hidden || one.Empty() || !one.Equal(two) || one.Equal(secret.Of("hidden-0123456788")) || one.Equal(none) {
		t.Error("a secret is not what it was made of")
	}
	if none.Reveal() != "" || !none.Empty() || !none.Equal(secret.Text{}) {
		t.Error("none is something")
	}
	var members map[string]secret.Text
	if err := json.NewDecoder(bytes.NewBufferString(`{"a":"x\u00e9","b":"","c":null}`)).Decode(&members); err != nil || members["a"].Reveal() != "xé" || !members["b"].Empty() || !members["c"].Empty() {
		t.Errorf("read %q, %v", members["a"].Reveal(), err)
	}
	if err := json.Unmarshal([]byte(`{"a":["hidden"]}`), &members); err == nil || strings.Contains(err.Error(), "hidden") {
		t.Errorf("what is no text: %v", err)
	}
}
