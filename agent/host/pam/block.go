package pam

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"tcenvsvr/agent/host/layout"
)

// The block lets threatconnect become tc-job by su without a password, and changes nothing for
// anybody else. It is written out rather than included: with an include whose file is missing even
// root's su fails. The guide's first line, pam_rootok, is in every su file already; where an
// administrator has removed it, it stays removed.
const (
	blockBegin = "# BEGIN threatconnect-envsvr: lets " + layout.Agent + " become " + layout.Sandbox + "; kept by \"tcenvsvr host\""
	blockEnd   = "# END threatconnect-envsvr"
	block      = blockBegin + "\n" +
		blockLines + "\n" +
		blockEnd
	blockLines = "auth [success=ignore default=1] pam_succeed_if.so user = " + layout.Sandbox + " quiet\n" +
		"auth sufficient pam_succeed_if.so use_uid user = " + layout.Agent + " quiet"
)

var (
	errNoAuth   = errors.New("it has no auth line to insert after")
	errMarkers  = errors.New("its markers BEGIN and END of threatconnect-envsvr do not match: repair it by hand, or take it from a backup")
	markerBegin = []byte("# BEGIN threatconnect-envsvr")
	markerEnd   = []byte("# END threatconnect-envsvr")
)

// insertBlock returns the su file with the block, and without an older one. It only uses a place at
// which everybody else is decided about as before, whatever the modules answer (stack.allows). It
// prefers the place where the block is, as an administrator may have moved it there; then the one
// after the first auth line, as the guide says; then, as jumps count lines, the one above all
// lines.
func (s *stack) insertBlock(text []byte) ([]byte, error) {
	plain, err := stripBlock(text)
	if err != nil {
		return nil, err
	}
	lines, err := pamLines(plain)
	if err != nil {
		return nil, err
	}
	first := slices.IndexFunc(lines, func(l pamLine) bool { return l.kind == "auth" })
	if first < 0 {
		return nil, errNoAuth
	}
	top := slices.IndexFunc(lines, func(l pamLine) bool { return l.kind == "auth" || l.kind == "@include" || l.kind == "" })
	var places [][]byte
	if bytes.Contains(text, []byte(block)) {
		places = append(places, text)
	}
	places = append(places, withBlock(plain, lines[first].end), withBlock(plain, lines[top].begin))
	var why error
	for _, place := range places {
		err := s.allows(plain, place)
		if err == nil {
			return place, nil
		}
		if why == nil {
			why = err
		}
	}
	return nil, why
}

// withBlock inserts the block where a line begins, or after the last one.
func withBlock(text []byte, at int) []byte {
	insert := block + "\n"
	if at == len(text) && !bytes.HasSuffix(text, []byte("\n")) {
		insert = "\n" + block // so that stripping gives the file back as it was
	}
	return concat(text[:at], []byte(insert), text[at:])
}

// stripBlock returns the text without our block, byte by byte as it was before.
func stripBlock(text []byte) ([]byte, error) {
	begin, end, err := findBlock(text)
	if err != nil || begin == end {
		return text, err
	}
	if text[end-1] != '\n' && begin > 0 { // inserted behind a last line without a newline
		begin--
	}
	return concat(text[:begin], text[end:]), nil
}

// findBlock returns where our block begins and ends; 0, 0 where there is none.
func findBlock(text []byte) (begin, end int, err error) {
	begin, end = -1, -1
	for at := 0; at < len(text); {
		next := lineEnd(text, at)
		line := bytes.TrimSpace(text[at:next])
		switch {
		case bytes.HasPrefix(line, markerBegin):
			if begin >= 0 {
				return 0, 0, fmt.Errorf("%w (more than one BEGIN)", errMarkers)
			}
			begin = at
		case bytes.HasPrefix(line, markerEnd):
			if begin < 0 || end >= 0 {
				return 0, 0, fmt.Errorf("%w (an END without a BEGIN)", errMarkers)
			}
			end = next
		}
		at = next
	}
	switch {
	case begin < 0:
		return 0, 0, nil
	case end < 0:
		return 0, 0, fmt.Errorf("%w (no END)", errMarkers)
	}
	return begin, end, nil
}

func lineEnd(text []byte, at int) int {
	if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(text)
}

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
