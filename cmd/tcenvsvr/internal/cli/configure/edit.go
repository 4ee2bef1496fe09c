package configure

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tcenvsvr/agent/settings"
	settingscmd "tcenvsvr/cmd/tcenvsvr/internal/cli/settings"
)

// list shows all settings with their numbers, and the new values of changed ones.
func (m *menu) list() error {
	s, _, err := settingscmd.Load(m.e)
	if err != nil {
		return err
	}
	for i, row := range settings.All {
		line := fmt.Sprintf("%4d: %s = %s", i+1, row.Name, settingscmd.Shown(s.Text(row.Name)))
		if text, changed := m.changes[row.Name]; changed {
			line += " -> " + settingscmd.Shown(hide(row, text))
		}
		m.say("%s", line)
	}
	return nil
}

// hide returns a value that may be shown.
func hide(row settings.Setting, text string) string {
	if row.Secret && text != "" {
		return settings.NewSecret(text).String()
	}
	return text
}

// edit changes settings by their numbers until they are saved or dropped.
func (m *menu) edit(ctx context.Context) error {
	for {
		m.say("\nEdit System Config")
		if err := m.list(); err != nil {
			return err
		}
		answer, err := m.ask.Line(ctx, "Number to edit, s to save, q to go back: ")
		switch n := number(answer); {
		case err != nil:
			return err
		case answer == "q":
			return nil
		case answer == "s":
			saved, err := m.save(ctx)
			if err != nil || saved {
				return err
			}
		case n < 1 || n > len(settings.All):
			m.say("There is no %q.", answer)
		default:
			if err := m.change(ctx, settings.All[n-1]); err != nil {
				return err
			}
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
		m.say("It never changes: the cloud knows this server by it.")
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
		m.say("Not allowed: want %v.", err)
		return nil
	}
	next := maps.Clone(m.changes)
	maps.Copy(next, changes)
	what, err := try(ctx, s, next, row.Name)
	if err != nil {
		m.say("It does not work: %v", err)
		answer, askErr := m.ask.Line(ctx, "Take it nevertheless? [y/N] ")
		if askErr != nil || answer != "y" {
			return askErr
		}
	} else if what != "" {
		m.say("It works: %s.", what)
	}
	maps.Copy(m.changes, changes)
	return nil
}

// save shows all changes and writes them when that is confirmed.
func (m *menu) save(ctx context.Context) (bool, error) {
	if len(m.changes) == 0 {
		m.say("Nothing was changed.")
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
		m.say("The agent would not start with these settings:\n%v", broken.Reason)
		if answer, err = m.ask.Line(ctx, "Save them nevertheless? [y/N] "); err != nil || answer != "y" {
			return false, err
		}
		err = settingscmd.Save(ctx, m.e, m.changes, true)
	}
	if err != nil {
		return false, err
	}
	m.changes = map[string]string{}
	m.say("Saved.")
	return true, nil
}
