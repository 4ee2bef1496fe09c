package configure

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tcenvsvr/agent/settings"
	settingscmd "tcenvsvr/cmd/tcenvsvr/internal/cli/settings"
)

// hide returns a value that may be shown.
func hide(row settings.Setting, text string) string {
	if row.Secret && text != "" {
		return settings.NewSecret(text).String()
	}
	return text
}

// edit changes settings by their numbers until they are saved or dropped. It shows the page with the
// setting that was changed last; Enter shows the next one.
func (m *menu) edit(ctx context.Context) error {
	for at := 0; ; {
		lines, err := m.lines()
		if err != nil {
			return err
		}
		first := 0
		page := lines
		for _, p := range m.pages(lines) {
			if page = p; at < first+len(p) {
				break
			}
			first += len(p)
		}
		m.say("\nEdit System Config\n%s", strings.Join(page, "\n"))
		question := "Number to edit, s to save, q to go back: "
		if len(page) < len(lines) {
			question = fmt.Sprintf("%d-%d of %d, Enter for more. ", first+1, first+len(page), len(lines)) + question
		}
		answer, err := m.question(ctx, question)
		switch n := number(answer); {
		case err != nil:
			return err
		case answer == "" && len(page) < len(lines):
			at = (first + len(page)) % len(lines)
		case answer == "q":
			return nil
		case answer == "s":
			saved, err := m.save(ctx)
			if err != nil || saved {
				return err
			}
		case n < 1 || n > len(settings.All):
			m.note("There is no %q.", answer)
		default:
			if err := m.change(ctx, settings.All[n-1]); err != nil {
				return err
			}
			at = n - 1
		}
	}
}

// change asks for one value, tries it and keeps it for later.
func (m *menu) change(ctx context.Context, row settings.Setting) error {
	s, origins, err := settingscmd.Load(m.e)
	if err != nil {
		return err
	}
	m.say("\n%s: %s", row.Name, row.Help)
	m.say("  wanted: %s", settingscmd.Wants(row))
	m.say("  now:    %s (%s)", settingscmd.Shown(s.Text(row.Name)), origins[row.Name])
	m.say("  a change takes effect %s", settingscmd.Applies(row))
	if row.Fixed && s.Text(row.Name) != "" {
		m.note("%s never changes: the cloud knows this server by it.", row.Name)
		return nil
	}
	found := propose(ctx, m.e, row.Name)
	if found != "" {
		m.say("  found:  %s (= takes it)", found)
	}
	ask := m.ask.Line
	if row.Secret {
		ask = m.ask.Secret
	}
	text, err := ask(ctx, "New value (Enter keeps, - empties): ")
	switch {
	case err != nil:
		return err
	case text == "":
		return nil
	case text == "=" && found != "":
		text = found
	case text == "-":
		m.changes[row.Name] = ""
		return nil
	}
	changes := settings.Apart(map[string]string{row.Name: text})
	if _, err := row.Parse(changes[row.Name]); err != nil {
		m.note("%s is as it was. Not allowed: want %v.", row.Name, err)
		return nil
	}
	next := maps.Clone(m.changes)
	maps.Copy(next, changes)
	what, err := try(ctx, s, next, row.Name)
	if err != nil {
		m.say("It does not work: %v", err)
		answer, askErr := m.ask.Line(ctx, "Take it nevertheless? [y/N] ")
		if askErr != nil || answer != "y" {
			m.note("%s is as it was.", row.Name)
			return askErr
		}
	} else if what != "" {
		m.note("It works: %s.", what)
	}
	maps.Copy(m.changes, changes)
	return nil
}

// save shows all changes and writes them when that is confirmed.
func (m *menu) save(ctx context.Context) (bool, error) {
	if len(m.changes) == 0 {
		m.note("Nothing was changed.")
		return true, nil
	}
	s, _, err := settingscmd.Load(m.e)
	if err != nil {
		return false, err
	}
	m.say("\nThese changes will be saved:")
	for _, name := range slices.Sorted(maps.Keys(m.changes)) {
		row, _ := settings.Lookup(name)
		m.say("  %s: %s -> %s", name, settingscmd.Shown(s.Text(name)), settingscmd.Shown(hide(row, m.changes[name])))
	}
	answer, err := m.ask.Line(ctx, "Save them? [y/N] ")
	if err != nil || answer != "y" {
		return false, err
	}
	err = settingscmd.Save(ctx, m.e, m.changes, false)
	if broken, ok := errors.AsType[*settingscmd.UnstartableError](err); ok {
		m.note("Not saved: the agent would not start with these settings:\n%v", broken.Reason)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	m.changes = map[string]string{}
	m.note("Saved.")
	return true, nil
}
