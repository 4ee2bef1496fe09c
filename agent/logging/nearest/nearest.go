package nearest

import (
	"fmt"
	"strings"
)

// maxWord bounds the work: words come from strangers, and no name of ours is longer.
const maxWord = 80

// Of returns the known word that differs from word in the fewest letters, whatever their case, or
// "" if those are more than a third of them.
func Of(word string, known []string) string {
	if len(word) > maxWord {
		return ""
	}
	best, least := "", len(word)/3+1
	for _, k := range known {
		if len(k) > maxWord {
			continue
		}
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// Question is `: did you mean "known"?`, to end a message with, or "" if no known word is near.
func Question(word string, known []string) string {
	if n := Of(word, known); n != "" {
		return fmt.Sprintf(": did you mean %q?", n)
	}
	return ""
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
