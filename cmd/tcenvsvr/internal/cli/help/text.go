package help

import (
	"fmt"
	"strings"
)

// Widths of plain text: that of a paragraph, and that of the second column of a list.
const (
	paragraphWidth = 96
	textWidth      = 76
)

// text is the topic as "tcenvsvr help" shows it.
func (t Topic) text() string {
	var b strings.Builder
	for _, line := range wrap(t.Intro, paragraphWidth) {
		b.WriteString(line + "\n")
	}
	for _, s := range t.Sections {
		b.WriteString("\n")
		if s.Title != "" {
			b.WriteString(s.Title + "\n")
		}
		for _, r := range s.Rows {
			s.row(&b, r)
		}
	}
	return strings.Trim(b.String(), "\n")
}

// row writes a term and, beside it or below a term that is too long, its text.
func (s Section) row(b *strings.Builder, r Row) {
	term := r.Term
	if len(term) > s.Column {
		fmt.Fprintf(b, "  %s\n", term)
		term = ""
	}
	for _, line := range wrap(r.Text, textWidth) {
		fmt.Fprintf(b, "  %-*s %s\n", s.Column, term, line)
		term = ""
	}
}

// wrap breaks text between words.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}
