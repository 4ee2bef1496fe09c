package pam

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// pamLine is a line of a PAM file, assembled and split as libpam does it.
type pamLine struct {
	begin, end int    // where it is in the file, with its continuation lines
	text       string // as libpam sees it: without comment, in one piece
	kind       string // "auth", "account", "session", "password", "@include", or "" for another word
	control    string
	module     string // or the file that is included
	at, to     int    // where the module stands in text
}

const (
	pamBlanks = " \n\t" // a carriage return is none: it belongs to the word before it
	pamLong   = 1023    // libpam before 1.6 cuts longer lines into several
)

// unclearError says that versions of libpam do not agree about a file, or that all of them refuse it.
type unclearError struct{ why string }

func (e *unclearError) Error() string { return e.why }

func unclear(format string, args ...any) error { return &unclearError{fmt.Sprintf(format, args...)} }

// pamLines returns the lines of a file that are entries for libpam.
func pamLines(text []byte) ([]pamLine, error) {
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, unclear("it has a zero byte")
	}
	var lines []pamLine
	for at := 0; at < len(text); {
		begin, whole, goesOn := at, "", false
		for at < len(text) {
			raw := string(text[at:lineEnd(text, at)])
			at += len(raw)
			body, _, comment := strings.Cut(raw, "#")
			if strings.Trim(body, pamBlanks) == "" {
				if goesOn {
					return nil, unclear("the line %q goes on in an empty line or a comment", strings.TrimSpace(whole))
				}
				break
			}
			body = strings.TrimRight(body, pamBlanks)
			goesOn = !comment && strings.HasSuffix(body, `\`)
			if !goesOn {
				whole += body
				break
			}
			whole += strings.TrimSuffix(body, `\`) + " "
		}
		switch {
		case goesOn:
			return nil, unclear("it ends in a line that goes on")
		case len(whole) > pamLong:
			return nil, unclear("the line that begins %.40q is too long", whole)
		case whole != "":
			l := splitLine(whole)
			l.begin, l.end = begin, at
			lines = append(lines, l)
		}
	}
	return lines, nil
}

func splitLine(text string) pamLine {
	l := pamLine{text: text}
	kind, _, next := pamWord(text, 0)
	kind = strings.ToLower(strings.TrimPrefix(kind, "-"))
	switch kind {
	case "auth", "account", "session", "password":
		l.kind = kind
	case "@include":
		l.kind = kind
		l.module, l.at, l.to = pamWord(text, next)
		return l
	}
	l.control, _, next = pamWord(text, next)
	l.module, l.at, l.to = pamWord(text, next)
	return l
}

// pamWord returns the next word from a position on. […] is one word, in which \] stands for ].
func pamWord(text string, from int) (word string, at, to int) {
	for from < len(text) && strings.IndexByte(pamBlanks, text[from]) >= 0 {
		from++
	}
	at = from
	if at == len(text) || text[at] != '[' {
		if to = strings.IndexAny(text[at:], pamBlanks); to < 0 {
			return text[at:], at, len(text)
		}
		return text[at : at+to], at, at + to
	}
	var b strings.Builder
	for to = at + 1; to < len(text) && text[to] != ']'; to++ {
		if strings.HasPrefix(text[to:], `\]`) {
			to++
		}
		b.WriteByte(text[to])
	}
	return b.String(), at, min(to+1, len(text))
}

// pamResults and pamActions are the words of a control value, in the order in which libpam tries
// them.
var (
	pamResults = strings.Fields("success open_err symbol_err service_err system_err buf_err perm_denied auth_err " +
		"cred_insufficient authinfo_unavail user_unknown maxtries new_authtok_reqd acct_expired session_err cred_unavail " +
		"cred_expired cred_err no_module_data conv_err authtok_err authtok_recover_err authtok_lock_busy " +
		"authtok_disable_aging try_again ignore abort authtok_expired module_unknown bad_item conv_again incomplete default")
	pamActions = strings.Fields("ignore ok done bad die reset")
)

// pamJumps returns the numbers in a control value, each once: how many lines it may jump. A value
// that libpam cannot read counts as "bad" and has none.
func pamJumps(control string) ([]int, error) {
	first := func(words []string, s string) (int, string) {
		for i, w := range words {
			if rest, ok := strings.CutPrefix(s, w); ok {
				return i, rest
			}
		}
		return -1, s
	}
	const spaces = " \t\n\v\f\r"
	last := len(pamResults) - 1
	actions := make([]int, last) // 0 says nothing yet, negative no jump
	for rest := strings.TrimLeft(control, spaces); rest != ""; rest = strings.TrimLeft(rest, spaces) {
		result, after := first(pamResults, rest)
		after, equals := strings.CutPrefix(strings.TrimLeft(after, spaces), "=")
		if result < 0 || !equals {
			return nil, nil
		}
		action := -1
		if i, left := first(pamActions, strings.TrimLeft(after, spaces)); i >= 0 {
			rest = left
		} else {
			digits := len(left) - len(strings.TrimLeft(left, "0123456789"))
			n, err := strconv.Atoi(left[:digits])
			switch {
			case digits > 4:
				return nil, unclear("the jump in [%s] is too far", control)
			case err != nil || n == 0:
				return nil, nil
			}
			action, rest = n, left[digits:]
		}
		for i := range actions {
			if i == result || result == last && actions[i] == 0 {
				actions[i] = action
			}
		}
	}
	var jumps []int
	seen := map[int]bool{}
	for _, n := range actions {
		if n > 0 && !seen[n] {
			seen[n] = true
			jumps = append(jumps, n)
		}
	}
	return jumps, nil
}
