package formula

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/act-platform/enhanced-integration/infra/notionsim/value"
)

// maxNesting is how deep parentheses may go.
const maxNesting = 100

// Parse reads a formula. Its error says what is wrong and where.
func Parse(source string) (Expression, error) {
	tokens, err := scan(source)
	if err != nil {
		return Expression{}, err
	}
	p := &parser{tokens: tokens}
	root := p.binary(0)
	if p.err == nil && p.at < len(p.tokens) {
		p.fail("unexpected %q", p.peek())
	}
	return Expression{root}, p.err
}

// Properties returns the names of the properties that a formula names.
func Properties(source string) []string {
	tokens, err := scan(source)
	if err != nil {
		return nil
	}
	var names []string
	for i, t := range tokens {
		if t == "prop" && i+2 < len(tokens) && tokens[i+1] == "(" {
			if name, err := strconv.Unquote(tokens[i+2]); err == nil {
				names = append(names, name)
			}
		}
	}
	return names
}

// scan cuts a formula into numbers, quoted strings, names and operators.
func scan(source string) ([]string, error) {
	var tokens []string
	for rest := strings.TrimSpace(source); rest != ""; rest = strings.TrimSpace(rest) {
		n := length(rest)
		if n == 0 {
			return nil, fmt.Errorf("cannot read the formula at %q", rest[:min(len(rest), 20)])
		}
		tokens = append(tokens, rest[:n])
		rest = rest[n:]
	}
	return tokens, nil
}

// length returns the length of the first token, or 0 where there is none.
func length(s string) int {
	if quoted, err := strconv.QuotedPrefix(s); err == nil && s[0] == '"' {
		return len(quoted)
	}
	for _, op := range []string{"==", "!=", "<=", ">=", "&&", "||"} {
		if strings.HasPrefix(s, op) {
			return 2
		}
	}
	if strings.ContainsRune("+-*/%<>(),!", rune(s[0])) {
		return 1
	}
	end := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '_' })
	if end < 0 {
		return len(s)
	}
	return end
}

type parser struct {
	tokens []string
	at     int
	depth  int
	err    error
}

func (p *parser) fail(format string, args ...any) node {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
	return constant(nil)
}

func (p *parser) peek() string {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return ""
}

func (p *parser) next() string {
	t := p.peek()
	p.at++
	return t
}

func (p *parser) expect(token string) {
	if t := p.next(); t != token {
		p.fail("expected %q instead of %q", token, t)
	}
}

// binary reads operators of one level of precedence and all above it.
func (p *parser) binary(level int) node {
	levels := [][]string{{"or", "||"}, {"and", "&&"}, {"==", "!=", "<", "<=", ">", ">="}, {"+", "-"}, {"*", "/", "%"}}
	if level == len(levels) {
		return p.unary()
	}
	left := p.binary(level + 1)
	for p.err == nil {
		op := p.peek()
		if !slices.Contains(levels[level], op) {
			return left
		}
		p.at++
		left = binary(op, left, p.binary(level+1))
	}
	return left
}

func (p *parser) unary() node {
	if p.depth++; p.depth > maxNesting {
		return p.fail("nested too deep")
	}
	defer func() { p.depth-- }()
	switch t := p.next(); {
	case t == "-":
		return binary("-", constant(value.Number(0)), p.unary())
	case t == "!":
		return function("not", []node{p.unary()})
	case t == "(":
		inner := p.binary(0)
		p.expect(")")
		return inner
	case t == "true", t == "false":
		return constant(value.Checked(t == "true"))
	case t == "":
		return p.fail("unexpected end")
	case t[0] == '"':
		s, _ := strconv.Unquote(t) // scan took it for quoted
		return constant(value.Line(s))
	case t[0] >= '0' && t[0] <= '9' || t[0] == '.':
		f, err := strconv.ParseFloat(t, 64)
		if err != nil {
			return p.fail("%q is not a number", t)
		}
		return constant(value.Number(f))
	default:
		return p.call(t)
	}
}

func (p *parser) call(name string) node {
	p.expect("(")
	if name == "prop" {
		property, err := strconv.Unquote(p.next())
		if err != nil {
			return p.fail("prop needs the name of a property in quotes")
		}
		p.expect(")")
		return func(s Scope) value.Value { return s.Prop(property) }
	}
	var args []node
	for p.err == nil && p.peek() != ")" {
		if len(args) > 0 {
			p.expect(",")
		}
		args = append(args, p.binary(0))
	}
	p.expect(")")
	f := function(name, args)
	if f == nil {
		return p.fail("there is no function %s of %d arguments", name, len(args))
	}
	return f
}
