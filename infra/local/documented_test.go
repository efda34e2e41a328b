package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var keyCommand = regexp.MustCompile("(?:\\./infra/local key|make key DO=\")([^`)\"\n]*)")

// TestDocumentedKeys: what the documents say of API keys is what the command takes.
func TestDocumentedKeys(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range append(files, filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md"), filepath.Join(root, "Makefile")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range keyCommand.FindAllStringSubmatch(string(text), -1) {
			found++
			words := strings.Fields(match[1])
			if len(words) == 0 || !slices.Contains([]string{"create", "list", "revoke"}, words[0]) {
				t.Errorf("%s: %q is no command for keys", file, match[0])
				continue
			}
			if words[0] != "create" || slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, "<") }) {
				continue // whom it is for is the reader's to say
			}
			if _, _, err := holder(words[1:]); err != nil {
				t.Errorf("%s: %s: %v", file, match[0], err)
			}
		}
	}
	if found < 3 {
		t.Errorf("%d commands for keys were found", found)
	}
}
