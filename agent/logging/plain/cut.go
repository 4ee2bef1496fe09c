package plain

import (
	"strings"
	"unicode/utf8"
)

// replacement stands for bytes that are no UTF-8.
const replacement = string(utf8.RuneError)

// ellipsis ends a text that goes on.
const ellipsis = "…"

// Head returns the beginning of s: at most n bytes of whole characters, the last of them "…" where
// something was left out. The result is valid UTF-8; control characters stay.
func Head(s string, n int) string {
	s = strings.ToValidUTF8(s, replacement)
	if len(s) <= n {
		return s
	}
	end := ellipsis
	if n < len(end) {
		end = ""
	}
	cut := max(n-len(end), 0)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + end
}

// Tail returns the end of s: at most n bytes of whole characters. The result is valid UTF-8;
// control characters stay.
func Tail(s string, n int) string {
	s = strings.ToValidUTF8(s, replacement)
	from := max(len(s)-max(n, 0), 0)
	for from < len(s) && !utf8.RuneStart(s[from]) {
		from++
	}
	return s[from:]
}

// TailRunes returns the end of s: at most n characters. The result is valid UTF-8; control
// characters stay.
func TailRunes(s string, n int) string {
	s = strings.ToValidUTF8(s, replacement)
	from := len(s)
	for ; n > 0 && from > 0; n-- {
		_, size := utf8.DecodeLastRuneInString(s[:from])
		from -= size
	}
	return s[from:]
}
