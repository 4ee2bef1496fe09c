package provision

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// The block lets threatconnect become tc-job by su without a password, and
// nobody else anybody. It is written out rather than included: with an
// include whose file is missing even root's su fails. The guide's first
// line, pam_rootok, is in every su stack already; where an administrator took it out it stays out.
const (
	blockBegin = "# BEGIN threatconnect-envsvr: lets " + Agent + " become " + Sandbox + "; kept by \"tcenvsvr host\""
	blockEnd   = "# END threatconnect-envsvr"
	block      = blockBegin + "\n" +
		"auth [success=ignore default=1] pam_succeed_if.so user = " + Sandbox + " quiet\n" +
		"auth sufficient pam_succeed_if.so use_uid user = " + Agent + " quiet\n" +
		blockEnd
)

var (
	errNoAuth   = errors.New("it has no auth line to insert after")
	errMarkers  = errors.New("its markers BEGIN and END of threatconnect-envsvr do not match: repair it by hand, or take it from a backup")
	markerBegin = []byte("# BEGIN threatconnect-envsvr")
	markerEnd   = []byte("# END threatconnect-envsvr")
)

// insertBlock is text with the block after its first auth line, and an old block gone.
func insertBlock(text []byte) ([]byte, error) {
	text, err := stripBlock(text)
	if err != nil {
		return nil, err
	}
	at, ok := afterFirstAuth(text)
	if !ok {
		return nil, errNoAuth
	}
	insert := block + "\n"
	if at == len(text) && !bytes.HasSuffix(text, []byte("\n")) {
		insert = "\n" + block // so that stripping gives the file back as it was
	}
	return concat(text[:at], []byte(insert), text[at:]), nil
}

// stripBlock is text without our block, byte by byte as it was before.
func stripBlock(text []byte) ([]byte, error) {
	begin, end := -1, -1
	for at := 0; at < len(text); {
		next := lineEnd(text, at)
		line := bytes.TrimSpace(text[at:next])
		switch {
		case bytes.HasPrefix(line, markerBegin):
			if begin >= 0 {
				return nil, fmt.Errorf("%w (more than one BEGIN)", errMarkers)
			}
			begin = at
		case bytes.HasPrefix(line, markerEnd):
			if begin < 0 || end >= 0 {
				return nil, fmt.Errorf("%w (an END without a BEGIN)", errMarkers)
			}
			end = next
		}
		at = next
	}
	switch {
	case begin < 0:
		return text, nil
	case end < 0:
		return nil, fmt.Errorf("%w (no END)", errMarkers)
	case text[end-1] != '\n' && begin > 0: // inserted behind a last line without a newline
		begin--
	}
	return concat(text[:begin], text[end:]), nil
}

// afterFirstAuth is where the line after the first auth line begins.
func afterFirstAuth(text []byte) (int, bool) {
	for at := 0; at < len(text); {
		first, next := at, lineEnd(text, at)
		for next < len(text) && bytes.HasSuffix(bytes.TrimRight(text[at:next], "\r\n"), []byte(`\`)) {
			at, next = next, lineEnd(text, next) // the line goes on
		}
		if bytes.HasSuffix(text[first:next], []byte(`\`)) {
			return 0, false // into what we would insert
		}
		if f := strings.Fields(string(text[first:next])); len(f) > 0 && strings.EqualFold(strings.TrimPrefix(f[0], "-"), "auth") {
			return next, true
		}
		at = next
	}
	return 0, false
}

func lineEnd(text []byte, at int) int {
	if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(text)
}

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
