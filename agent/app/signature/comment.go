package signature

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A Comment is what a trusted comment says: the signer vouches for it. App and Version are empty in
// what minisign itself signed.
type Comment struct {
	App     string // as in wire.AppRef: the package's top folder without _v…
	Version string
	Time    time.Time // when it was signed, by the signer's clock
}

// text is the form of minisign's own trusted comments: fields between tabs.
func (c Comment) text() (string, error) {
	t := fmt.Sprintf("timestamp:%d", c.Time.Unix())
	for _, f := range []struct{ name, value string }{{"app", c.App}, {"version", c.Version}} {
		if f.value == "" {
			return "", fmt.Errorf("the comment names no %s", f.name)
		}
		if err := printable(f.value, 256); err != nil || strings.Contains(f.value, "\t") {
			return "", fmt.Errorf("the %s %.80q cannot stand in a comment", f.name, f.value)
		}
		t += "\t" + f.name + ":" + f.value
	}
	return t + "\thashed", nil
}

// parseComment reads what it understands: a trusted comment may be any text. Of a field that is
// there twice, the first counts.
func parseComment(text string) Comment {
	var c Comment
	var seen [3]bool
	for field := range strings.SplitSeq(text, "\t") {
		name, value, _ := strings.Cut(field, ":")
		switch {
		case name == "app" && !seen[0]:
			c.App, seen[0] = value, true
		case name == "version" && !seen[1]:
			c.Version, seen[1] = value, true
		case name == "timestamp" && !seen[2]:
			seen[2] = true
			// To the year 9999; time's own forms know no later one.
			if n, err := strconv.ParseInt(value, 10, 64); err == nil && n >= 0 && n < 253_402_300_800 {
				c.Time = time.Unix(n, 0).UTC()
			}
		}
	}
	return c
}

// printable refuses what would forge lines in logs and on terminals. A tab is between minisign's
// fields.
func printable(text string, most int) error {
	if len(text) > most {
		return fmt.Errorf("a comment is longer than %d bytes", most)
	}
	if !utf8.ValidString(text) {
		return errors.New("a comment is not UTF-8")
	}
	for _, r := range text {
		if r != '\t' && !unicode.IsPrint(r) {
			return fmt.Errorf("a comment has the character %U in it", r)
		}
	}
	return nil
}
