package configure

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"tcenvsvr/agent/settings"
	settingscmd "tcenvsvr/cmd/tcenvsvr/internal/cli/settings"
)

// lines are all settings with their numbers, and the new values of changed ones.
func (m *menu) lines() ([]string, error) {
	s, _, err := settingscmd.Load(m.e)
	if err != nil {
		return nil, err
	}
	var lines []string
	for i, row := range settings.All {
		line := fmt.Sprintf("%4d: %s = %s", i+1, row.Name, settingscmd.Shown(s.Text(row.Name)))
		if text, changed := m.changes[row.Name]; changed {
			line += " -> " + settingscmd.Shown(hide(row, text))
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// show shows all settings, one screen after the other.
func (m *menu) show(ctx context.Context) error {
	lines, err := m.lines()
	if err != nil {
		return err
	}
	pages := m.pages(lines)
	for i, page := range pages {
		m.say("%s", strings.Join(page, "\n"))
		question := "Enter for more, q to go back: "
		switch {
		case len(pages) == 1:
			return nil
		case i == len(pages)-1:
			question = "Enter to go back: "
		}
		if answer, err := m.question(ctx, question); err != nil || answer == "q" {
			return err
		}
	}
	return nil
}

// Rows of the screen that a page leaves to the menu and its question, and to what was noted: always
// as many, so that the same settings are on a page before and after a note.
const (
	aroundPage = 4
	noteRows   = 2
)

// pages cuts lines into pieces that fit onto the screen together with what was noted. Where its size
// is not known, there is one.
func (m *menu) pages(lines []string) [][]string {
	columns, rows := m.ask.Size()
	if columns <= 0 || rows <= 0 {
		return [][]string{lines}
	}
	height := func(text string) int { return 1 + (utf8.RuneCountInString(text)-1)/columns }
	noted := 0
	for _, note := range m.notes {
		for line := range strings.SplitSeq(note, "\n") {
			noted += height(line)
		}
	}
	room := rows - aroundPage - max(noted, noteRows)
	pages, used := [][]string{nil}, 0
	for _, line := range lines {
		if last := len(pages) - 1; used > 0 && used+height(line) > room {
			pages, used = append(pages, []string{line}), 0
		} else {
			pages[last] = append(pages[last], line)
		}
		used += height(line)
	}
	return pages
}
