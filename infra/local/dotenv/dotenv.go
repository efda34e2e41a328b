// Package dotenv reads and writes files of environment variables.
package dotenv

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Variable is a name and its value.
type Variable struct {
	Name, Value string
	Line        int // where Read found it
}

var (
	line = regexp.MustCompile(`^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$`)
	safe = regexp.MustCompile(`^[A-Za-z0-9_./:@%?=+,-]*$`)
)

// Parse returns the variables of a file by name. When a name is set twice, the last value counts. Its errors are those of [Read].
func Parse(r io.Reader) (map[string]string, error) {
	all, err := Read(r)
	if err != nil {
		return nil, err
	}
	variables := map[string]string{}
	for _, v := range all {
		variables[v.Name] = v.Value
	}
	return variables, nil
}

// Read returns the variables of a file in their order. It reads lines of NAME=value, with or without "export". A value in single quotes is
// taken as it is. In double quotes, \n, \", \\ and \$ are replaced. Outside of quotes, # after white space begins a comment. The error for
// another line gives its number and never its content, which may be a secret.
func Read(r io.Reader) ([]Variable, error) {
	var variables []Variable
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, 1<<20)
	for number := 1; scanner.Scan(); number++ {
		if number == 1 && (bytes.HasPrefix(scanner.Bytes(), []byte("\xff\xfe")) || bytes.HasPrefix(scanner.Bytes(), []byte("\xfe\xff"))) {
			return nil, errors.New("the file is UTF-16: save it as UTF-8")
		}
		text := strings.TrimSpace(strings.TrimPrefix(scanner.Text(), "\ufeff"))
		if text == "" || strings.HasPrefix(text, "#") || text == "set -a" || text == "set +a" {
			continue
		}
		match := line.FindStringSubmatch(text)
		if match == nil {
			return nil, fmt.Errorf("line %d is not NAME=value", number)
		}
		value, err := parseValue(match[2])
		if err != nil {
			return nil, fmt.Errorf("line %d: the value of %s %w", number, match[1], err)
		}
		variables = append(variables, Variable{Name: match[1], Value: value, Line: number})
	}
	switch err := scanner.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, errors.New("a line is longer than 1 MB")
	case err != nil:
		return nil, err
	}
	return variables, nil
}

func parseValue(text string) (string, error) {
	if text == "" || text[0] == '#' {
		return "", nil
	}
	quote := text[0]
	if quote != '\'' && quote != '"' {
		value, _, _ := strings.Cut(strings.ReplaceAll(text, "\t#", " #"), " #")
		return strings.TrimSpace(value), nil
	}
	var value strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			if rest := strings.TrimSpace(text[i+1:]); rest != "" && rest[0] != '#' {
				return "", errors.New("goes on after its closing quote")
			}
			return value.String(), nil
		case c == '\\' && quote == '"' && i+1 < len(text):
			i++
			if text[i] == 'n' {
				value.WriteByte('\n')
			} else {
				value.WriteByte(text[i])
			}
		default:
			value.WriteByte(c)
		}
	}
	return "", errors.New("has no closing quote")
}

// Write makes the file at path hold variables, for a shell to source: they are exported. Only its owner may read it, and it appears as
// a whole.
func Write(path string, variables []Variable) error {
	var content bytes.Buffer
	content.WriteString("set -a\n")
	for _, v := range variables {
		value := v.Value
		if !safe.MatchString(value) {
			value = "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
		}
		fmt.Fprintf(&content, "%s=%s\n", v.Name, value)
	}
	content.WriteString("set +a\n")
	fresh, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)) // for its owner alone
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(fresh.Name()) }() // fails when all went well
	_, err = content.WriteTo(fresh)
	if closed := fresh.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(fresh.Name(), path)
}
