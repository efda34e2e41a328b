package record

import (
	"strconv"
	"strings"
)

// sameNumber reports whether two JSON numbers are the same number, to the last digit: a numeric column has more of them than a double.
func sameNumber(a, b string) bool {
	x, okX := decimalOf(a)
	y, okY := decimalOf(b)
	return a == b || okX && okY && x == y
}

// decimal is a number as its significant digits, without zeros at either end, and the power of ten of the last.
type decimal struct {
	negative bool
	digits   string
	exponent int
}

// decimalOf reads a JSON number; false where it is none.
func decimalOf(s string) (decimal, bool) {
	var d decimal
	s, d.negative = strings.CutPrefix(s, "-")
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(s), "e")
	if scientific {
		n, err := strconv.Atoi(exponent)
		if err != nil {
			return d, false
		}
		d.exponent = n
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	d.exponent -= len(fraction)
	d.digits = strings.TrimLeft(whole+fraction, "0")
	if strings.Trim(whole+fraction, "0123456789") != "" || whole == "" {
		return d, false
	}
	bare := strings.TrimRight(d.digits, "0")
	d.exponent += len(d.digits) - len(bare)
	if d.digits = bare; bare == "" {
		return decimal{}, true
	}
	return d, true
}
