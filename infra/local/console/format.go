package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// colour is an ANSI sequence.
type colour string

const (
	dim    colour = "\x1b[2m"
	red    colour = "\x1b[31m"
	green  colour = "\x1b[32m"
	yellow colour = "\x1b[33m"
	reset         = "\x1b[0m"
)

func (c *Console) paint(with colour, text string) string {
	if !c.config.Colour || text == "" {
		return text
	}
	return string(with) + text + reset
}

// head begins a line: time, level or mark, and who.
func (c *Console) head(at time.Time, mark, function string) string {
	return fmt.Sprintf("%s %s %-14s ", c.paint(dim, at.Local().Format("15:04:05.000")), mark, function)
}

// format makes a line for people of one that a function wrote: slog's JSON field by field, anything else as it is.
func (c *Console) format(function string, line []byte) string {
	fields, err := parse(line)
	if err != nil {
		return c.head(c.config.Now(), c.paint(dim, "     "), function) + printable(string(line)) + "\n"
	}
	at, level, message := c.config.Now(), "", ""
	var rest, stack strings.Builder
	for _, f := range fields {
		switch f.name {
		case "time":
			if given, err := time.Parse(time.RFC3339Nano, f.text()); err == nil {
				at = given
			}
		case "level":
			level = f.text()
		case "msg":
			message = f.text()
		case "function":
		case "stack":
			stack.WriteString("    " + strings.ReplaceAll(strings.TrimSpace(f.text()), "\n", "\n    ") + "\n")
		default:
			rest.WriteString(" " + c.paint(dim, f.name+"=") + printable(f.text()))
		}
	}
	return c.head(at, c.paint(levelColour(level), fmt.Sprintf("%-5s", level)), function) + printable(message) + rest.String() + "\n" + stack.String()
}

func levelColour(level string) colour {
	switch {
	case strings.HasPrefix(level, "ERROR"):
		return red
	case strings.HasPrefix(level, "WARN"):
		return yellow
	default:
		return dim
	}
}

// printable keeps a text on its line and away from the terminal's controls.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < ' ' || r == '\x7f' || r >= 0x80 && r < 0xa0:
			return '·'
		}
		return r
	}, text)
}

// field is one field of a JSON object, in the order in which it stood.
type field struct {
	name  string
	value json.RawMessage
}

// text returns a string's text, and any other value as JSON.
func (f field) text() string {
	var text string
	if json.Unmarshal(f.value, &text) == nil {
		return text
	}
	return string(f.value)
}

// parse reads one JSON object and nothing beside it.
func parse(line []byte) ([]field, error) {
	decoder := json.NewDecoder(bytes.NewReader(line))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, fmt.Errorf("no object: %w", err)
	}
	var fields []field
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		f := field{name: fmt.Sprint(name)}
		if err := decoder.Decode(&f.value); err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	if !json.Valid(line) {
		return nil, errors.New("more than an object")
	}
	return fields, nil
}
