package plain

import (
	"html"
	"regexp"
	"strings"
)

// notText is what a page has for browsers.
var notText = regexp.MustCompile(`(?is)<(style|script)\b.*?</(style|script)>|<!--.*?-->|<[^>]*>`)

// Page returns what an HTTP answer says, as a Line without needless spaces; of a page that was meant
// for browsers its text.
func Page(answer string) string {
	if strings.HasPrefix(strings.TrimSpace(answer), "<") {
		answer = html.UnescapeString(notText.ReplaceAllString(answer, " "))
	}
	return strings.Join(strings.Fields(Line(answer)), " ")
}
