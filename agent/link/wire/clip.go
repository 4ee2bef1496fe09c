package wire

import "strings"

// maxWords is how long people's words in a message may be, in bytes; receivers take 1 KiB.
const maxWords = 1000

// Clip makes text fit to be sent as the words of an error or a refusal: it keeps the beginning.
func Clip(s string) string {
	if len(s) > maxWords {
		s = strings.ToValidUTF8(s[:maxWords], "")
	}
	return strings.ToValidUTF8(s, "?")
}
