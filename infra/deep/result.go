package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// result is what became of a part.
type result struct {
	Test    string    `json:"test"`
	Part    string    `json:"part"`
	Digest  string    `json:"digest"`
	Commit  string    `json:"commit"` // that was checked out
	Began   time.Time `json:"began"`
	Seconds float64   `json:"seconds"`
	Passed  bool      `json:"passed"`
	Figure  string    `json:"figure,omitempty"`
}

// store keeps the results in a folder: a file for each part of each digest, and beside it what the part printed.
type store struct{ dir string }

func (s store) path(test, digest, part, ext string) string {
	return filepath.Join(s.dir, test, digest, part+ext)
}

// load returns the result of a part, nil when there is none.
func (s store) load(test, digest, part string) (*result, error) {
	data, err := os.ReadFile(s.path(test, digest, part, ".json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r result
	return &r, json.Unmarshal(data, &r)
}

// save keeps a result. It is there as a whole or not at all.
func (s store) save(r result) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	path := s.path(r.Test, r.Digest, r.Part, ".json")
	if err := os.WriteFile(path+".new", append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

var number = regexp.MustCompile(`\d+`)

// add adds the numbers of two texts that differ in them only; else it gives the second.
func add(a, b string) string {
	mine, theirs := number.FindAllString(a, -1), number.FindAllString(b, -1)
	if number.ReplaceAllString(a, "0") != number.ReplaceAllString(b, "0") {
		return b
	}
	i := -1
	return number.ReplaceAllStringFunc(a, func(string) string {
		i++
		x, _ := strconv.Atoi(mine[i])
		y, _ := strconv.Atoi(theirs[i])
		return strconv.Itoa(x + y)
	})
}

// figureOf returns what a part's output says: the last of what the pattern finds, and without a pattern how many tests passed.
func figureOf(output string, pattern *regexp.Regexp) string {
	if pattern == nil {
		return strconv.Itoa(strings.Count(output, "--- PASS: ")) + " cases passed"
	}
	found := pattern.FindAllString(output, -1)
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}
