package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"tcenvsvr/test/apps"
	"tcenvsvr/test/stage"
)

// mode is a way in which Apps of a language start.
type mode struct {
	name     string
	settings map[string]string
	needs    string // the setting without which an agent has no such way
	warm     bool
	p50, p99 string // budgets of the first line
	end      string // of the end, p50
	rate     string // of starts a second
}

// heavy are Apps as large as customers' are, and the ways to start them.
var heavy = []struct {
	file, name string
	modes      []mode
}{
	{"framework", "Test - Framework", []mode{
		{name: "cold, no bytecode", settings: map[string]string{"appsBytecode": "off", "appsWarmMegabytes": "0"}},
		{name: "cold, bytecode", settings: map[string]string{"appsBytecode": "auto", "appsWarmMegabytes": "0"}, needs: "appsBytecode", p50: "< 450 ms"},
		{name: "warm", settings: map[string]string{"appsWarmMegabytes": "1000"}, needs: "appsWarmMegabytes", warm: true, p50: "< 40 ms", p99: "< 120 ms", rate: ">= 60 /s"},
	}},
	{"java-http", "Test - Java HTTP", []mode{
		{name: "no archive", settings: map[string]string{"appsJavaArchives": "off"}},
		{name: "archive", settings: map[string]string{"appsJavaArchives": "auto"}, needs: "appsJavaArchives", warm: true, end: "<= 65 % of no archive"},
	}},
}

// starts measures how soon Apps that are as large as customers' are do something.
func starts(b *bench) error {
	known := map[string]bool{}
	for _, app := range heavy {
		for _, m := range app.modes {
			for name := range m.settings {
				_, err := stage.Command(b.ctx, nil, b.AgentBin, "settings", "explain", name)
				known[name] = err == nil
			}
		}
	}
	return b.each(func(runner string, p place) error {
		for _, app := range heavy {
			err := b.add(p, app.file)
			if errors.Is(err, apps.ErrNoJDK) || errors.Is(err, apps.ErrNoLibraries) {
				fmt.Fprintf(os.Stderr, "bench: not available: %s: %v\n", app.name, err)
				continue
			}
			if err != nil {
				return err
			}
			for _, level := range []string{"off", "required"} {
				for _, m := range app.modes {
					name := fmt.Sprintf("%s, isolation %s, %s, %s: ", runner, level, app.file, m.name)
					if m.needs != "" && !known[m.needs] {
						b.absent(name+"order at the agent → first line", "this agent has no setting "+m.needs)
						continue
					}
					settings := trivial(runner, p, 8, "appsIsolation", level)
					settings["appsPythonHome311"], _ = p.python()
					for setting, value := range m.settings {
						if known[setting] {
							settings[setting] = value
						}
					}
					if err := b.mode(p, settings, app.name, name, m); err != nil {
						return fmt.Errorf("%s%w", name, err)
					}
				}
			}
		}
		return nil
	})
}

// mode measures one App started in one way.
func (b *bench) mode(p place, settings map[string]string, app, name string, m mode) error {
	s, err := p.start(settings)
	if err != nil {
		return err
	}
	defer s.stop()
	n := b.size(40, 3)
	if m.warm {
		n = b.size(300, 10)
	}
	if _, err := b.firstLines(p.api(), app, 3); err != nil {
		return err
	}
	if m.warm { // what is learnt from first runs is made beside the next ones
		if err := b.prepared(p.api(), app); err != nil {
			return err
		}
	}
	agentBefore, jobsBefore := s.used()
	t, err := b.firstLines(p.api(), app, n)
	if err != nil {
		return err
	}
	agent, jobs := s.used()
	rate, _, err := p.api().flood(app, n)
	if err != nil {
		return err
	}
	b.row(name+"order at the agent → first line, p50", percentile(t.first, .5), "ms", m.p50)
	b.row(name+"order at the agent → first line, p99", percentile(t.first, .99), "ms", m.p99)
	b.row(name+"order at the agent → end, p50", percentile(t.end, .5), "ms", m.end)
	b.row(name+"order at the agent → end, p99", percentile(t.end, .99), "ms", "")
	b.row(name+"processor for each start on the server", ms(agent+jobs-agentBefore-jobsBefore)/float64(n), "ms", "")
	b.row(name+"completed, 8 slots", rate, "/s", m.rate)
	b.row(name+"memory beside the agent, idle", shared(s.beside())/1e6, "MB", "")
	return nil
}

// appTimes are milliseconds since the cloud gave an order to the agent.
type appTimes struct{ first, end []float64 }

// firstLines gives n orders, one after the other. The Apps say when they printed.
func (b *bench) firstLines(api *admin, app string, n int) (appTimes, error) {
	var t appTimes
	for range n {
		e, err := api.submit(app, map[string]string{"text": "bench"})
		if err != nil {
			return t, err
		}
		if e, err = api.succeeded(e.ID); err != nil {
			return t, err
		}
		printed, err := strconv.ParseInt(e.Results["printed_ns"], 10, 64)
		if err != nil {
			return t, fmt.Errorf("the App does not say when it printed: %w", err)
		}
		t.first = append(t.first, ms(time.Unix(0, printed).Sub(e.Delivered)))
		t.end = append(t.end, ms(e.EndedAt.Sub(e.Delivered)))
	}
	return t, nil
}

// prepared gives orders until they are no longer faster than those before: then the agent has made
// whatever it makes to be fast.
func (b *bench) prepared(api *admin, app string) error {
	const each = 3
	last := 0.0
	for same := 0; same < 3; {
		time.Sleep(time.Second) // of peace, in which it can be made
		t, err := b.firstLines(api, app, each)
		if err != nil {
			return err
		}
		now := percentile(t.first, .5)
		if same++; last == 0 || now < last*0.8 {
			same = 0
		}
		last = now
	}
	return nil
}
