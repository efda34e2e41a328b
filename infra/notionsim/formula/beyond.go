package formula

import "strings"

// Beyond reports whether a formula that Parse does not read is written in what else Notion's language has: functions that are not
// computed here, methods, ternaries, lists and comments. Brackets must match and every function that is called must be one of
// Notion's. The result of such a formula is not known.
//
// https://www.notion.com/help/formula-syntax
func Beyond(source string) bool {
	code, ok := withoutTexts(source)
	if !ok || !matching(code) {
		return false
	}
	beyond := strings.ContainsAny(code, "?[") || strings.Contains(code, "/*")
	known, computed := set(functions), set(own)
	for i := range len(code) {
		if code[i] != '(' {
			continue
		}
		name := lastName(strings.TrimRight(code[:i], " \n\t"))
		if name != "" && !known[name] {
			return false
		}
		beyond = beyond || (name != "" && !computed[name])
	}
	return beyond
}

func set(names string) map[string]bool {
	in := make(map[string]bool)
	for name := range strings.FieldsSeq(names) {
		in[name] = true
	}
	return in
}

// own are the functions that Parse reads.
const own = "abs concat empty if length lower not now prop round upper"

// functions are all that a formula may call.
const functions = `
	abs add and at average cbrt ceil concat contains count current date dateAdd dateBetween dateEnd dateRange dateStart dateSubtract day
	divide e email empty equal every exp filter find findIndex first flat floor format formatDate formatNumber fromTimestamp hour id if
	ifs includes join last length let lets link ln log10 log2 lower map match max mean median min minute mod month multiply name not now
	or padEnd padStart parseDate pi pow prop repeat replace replaceAll reverse round sign slice some sort split splice sqrt style
	substring subtract sum test timestamp toNumber today trim unequal unique unstyle upper week year`

// withoutTexts returns a formula without what stands in quotes; false where a quote is not closed.
func withoutTexts(source string) (string, bool) {
	var code strings.Builder
	quoted := false
	for i := 0; i < len(source); i++ {
		switch {
		case quoted && source[i] == '\\':
			i++
		case source[i] == '"':
			quoted = !quoted
			code.WriteByte(' ')
		case !quoted:
			code.WriteByte(source[i])
		}
	}
	return code.String(), !quoted
}

// matching reports whether the brackets of a formula match.
func matching(code string) bool {
	var open []rune
	closing := map[rune]rune{')': '(', ']': '['}
	for _, r := range code {
		switch r {
		case '(', '[':
			open = append(open, r)
		case ')', ']':
			if len(open) == 0 || open[len(open)-1] != closing[r] {
				return false
			}
			open = open[:len(open)-1]
		}
	}
	return len(open) == 0
}

// lastName returns the name at the end of a formula's beginning, or "".
func lastName(code string) string {
	start := len(code)
	for start > 0 && strings.IndexByte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", code[start-1]) >= 0 {
		start--
	}
	return code[start:]
}
