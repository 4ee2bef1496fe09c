package configure

import (
	"context"
	"errors"
	"fmt"
	"io"

	"tcenvsvr/cmd/internal/prompt"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// menu is one visit. It keeps changes until they are saved.
type menu struct {
	e       *env.Env
	ask     prompt.Prompt
	changes map[string]string
	notes   []string // what the next question says first
}

func newMenu(e *env.Env) *menu {
	return &menu{e: e, ask: prompt.Prompt{In: e.Stdin, Out: e.Stdout}, changes: map[string]string{}}
}

// errLeave ends the menu from wherever it is.
var errLeave = errors.New("left")

func (m *menu) run(ctx context.Context) error {
	err := m.choose(ctx, "ThreatConnect Environment Server", "quit", []choice{{"System Configuration", m.system}})
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, errLeave) {
		if len(m.changes) > 0 {
			m.say("Nothing was saved.")
		}
		return nil
	}
	m.say("Nothing was saved.")
	return err
}

func (m *menu) system(ctx context.Context) error {
	return m.choose(ctx, "System Configuration", "go back", []choice{
		{"Show System Config", m.show},
		{"Edit System Config", m.edit},
	})
}

type choice struct {
	name string
	do   func(context.Context) error
}

// choose shows numbered choices until the user leaves.
func (m *menu) choose(ctx context.Context, title, leave string, choices []choice) error {
	for {
		m.say("\n%s", title)
		for i, c := range choices {
			m.say("  %d: %s", i+1, c.name)
		}
		answer, err := m.question(ctx, fmt.Sprintf("Number, or q to %s: ", leave))
		if err != nil {
			return err
		}
		if answer == "q" {
			return nil
		}
		n := number(answer)
		if n < 1 || n > len(choices) {
			m.note("There is no %q.", answer)
			continue
		}
		if err := choices[n-1].do(ctx); err != nil {
			return err
		}
	}
}

func (m *menu) say(format string, args ...any) { fmt.Fprintf(m.ask.Out, format+"\n", args...) }

// note keeps what is to be said for the next question: what stands above a menu scrolls away with
// it.
func (m *menu) note(format string, args ...any) {
	m.notes = append(m.notes, fmt.Sprintf(format, args...))
}

// question says what was noted, and asks.
func (m *menu) question(ctx context.Context, text string) (string, error) {
	for _, note := range m.notes {
		m.say("%s", note)
	}
	m.notes = nil
	return m.ask.Line(ctx, text)
}

// number returns a whole number from 1 to 999, 0 for anything else.
func number(text string) int {
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' || len(text) > 3 {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}
