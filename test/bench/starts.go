package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/test/apps"
	"tcenvsvr/test/stage"
)

// mode is a way in which an App starts.
type mode struct {
	name      string
	file, app string // of test/apps, and as orders name it
	// made is what the agent makes for an App after its first runs: a result of the App says "yes" once
	// a run has it. "template" is for the agent to say.
	made     string
	settings map[string]string
	p50, p99 string // budgets of the first line
	rate     string // of starts a second
}

// modes are the ways to start Apps that are as large as customers' are. Which of them an agent has
// depends on its version, and on isolation: nothing is made where Apps are not kept from each other.
var modes = []mode{
	{name: "Python, no bytecode", file: "framework-source", app: "Test - Framework Source", settings: map[string]string{"appsWarmMegabytes": "0"}},
	{name: "Python, bytecode", file: "framework", app: "Test - Framework", made: "bytecode", settings: map[string]string{"appsWarmMegabytes": "0"}, p50: "< 450 ms"},
	{name: "Python, warm", file: "framework", app: "Test - Framework", made: "template", settings: map[string]string{"appsWarmMegabytes": "1000"}, p50: "< 40 ms", p99: "< 120 ms", rate: ">= 60 /s"},
	// How a Java App starts without its archive is measured by BenchmarkRun of agent/app/archive: here the
	// archive is made beside the second run, which disturbs that, and the third run has it.
	{name: "Java, archive", file: "java-http", app: "Test - Java HTTP", made: "archive"},
}

// starts measures how soon Apps that are as large as customers' are do something.
func starts(b *bench) error {
	known := map[string]bool{}
	for _, m := range modes {
		for name := range m.settings {
			_, err := stage.Command(b.ctx, nil, b.AgentBin, "settings", "explain", name)
			known[name] = err == nil
		}
	}
	return b.each(func(runner string, p place) error {
		added := map[string]error{}
		for _, level := range []string{"off", "required"} {
			for _, m := range modes {
				name := fmt.Sprintf("%s, isolation %s, %s: ", runner, level, m.name)
				if !strings.Contains(name, b.way) {
					continue
				}
				if _, done := added[m.file]; !done {
					added[m.file] = b.add(p, m.file)
				}
				if err := added[m.file]; errors.Is(err, apps.ErrNoJDK) || errors.Is(err, apps.ErrNoLibraries) {
					b.absent(strings.TrimSuffix(name, ": "), err.Error())
					continue
				} else if err != nil {
					return err
				}
				if m.made == "template" && !known["appsWarmMegabytes"] {
					b.absent(strings.TrimSuffix(name, ": "), "this agent has no setting appsWarmMegabytes")
					continue
				}
				settings := trivial(runner, p, 8, "appsIsolation", level)
				settings["appsPythonHome311"], _ = p.python()
				for setting, value := range m.settings {
					if known[setting] {
						settings[setting] = value
					}
				}
				if err := b.mode(p, settings, m, name); err != nil {
					return fmt.Errorf("%s%w", name, err)
				}
			}
		}
		return nil
	})
}

// mode measures one way to start.
func (b *bench) mode(p place, settings map[string]string, m mode, name string) error {
	s, err := p.start(settings)
	if err != nil {
		return err
	}
	defer s.stop()
	waits := time.Duration(b.size(60, 30)) * time.Second
	if settings["appsIsolation"] == "off" {
		waits /= 10 // most is not made then
	}
	why, err := b.made(p, s, m, waits)
	if err != nil || why != "" {
		b.absent(strings.TrimSuffix(name, ": "), why)
		return err
	}
	n := b.size(40, 3)
	if m.made == "template" {
		n = b.size(300, 20)
	}
	agentBefore, jobsBefore := s.used()
	t, err := b.firstLines(p.api(), m, n)
	if err != nil {
		return err
	}
	agent, jobs := s.used()
	rate, _, err := p.api().flood(m.app, n)
	if err != nil {
		return err
	}
	b.row(name+"order at the agent → first line, p50", percentile(t.first, .5), "ms", m.p50)
	b.row(name+"order at the agent → first line, p99", percentile(t.first, .99), "ms", m.p99)
	b.row(name+"order at the agent → end, p50", percentile(t.end, .5), "ms", "")
	b.row(name+"order at the agent → end, p99", percentile(t.end, .99), "ms", "")
	b.row(name+"processor for each start on the server", ms(agent+jobs-agentBefore-jobsBefore)/float64(n), "ms", "")
	b.row(name+"completed, 8 slots", rate, "/s", m.rate)
	if kb, _ := templates(s); kb > 0 {
		b.row(name+"memory of templates", kb/1e3, "MB", "")
	}
	b.row(name+"memory beside the agent, idle, templates included", shared(s.beside())/1e6, "MB", "")
	return nil
}

// made gives orders until a run has what the agent makes for it, and says why if that does not come.
// What is made after a run is made beside the next ones.
func (b *bench) made(p place, s *server, m mode, waits time.Duration) (why string, err error) {
	limit := time.Now().Add(waits)
	for runs := 0; ; runs++ {
		t, err := b.firstLines(p.api(), m, 1)
		if err != nil {
			return "", err
		}
		_, served := templates(s)
		switch {
		case m.made == "" && runs < 2:
		case m.made == "", m.made == "template" && served > 0, m.made != "" && t.results[m.made] == "yes":
			return "", nil
		case time.Now().After(limit):
			return fmt.Sprintf("after %s of runs none had its %s", waits, m.made), nil
		default:
			time.Sleep(500 * time.Millisecond)
		}
	}
}

// templates asks a server for the memory of its templates in KB, and how many Apps they started.
func templates(s *server) (kb float64, served int) {
	var status struct {
		Templates []struct {
			Kilobytes float64
			Served    int
		}
	}
	if err := s.status(&status); err != nil {
		fmt.Fprintln(os.Stderr, "bench: asking for the status:", err)
	}
	for _, t := range status.Templates {
		kb, served = kb+t.Kilobytes, served+t.Served
	}
	return kb, served
}

// appTimes are milliseconds since the cloud gave an order to the agent, and the results of the last.
type appTimes struct {
	first, end []float64
	results    map[string]string
}

// firstLines gives n orders, one after the other. The Apps say when they printed.
func (b *bench) firstLines(api *admin, m mode, n int) (appTimes, error) {
	var t appTimes
	for range n {
		e, err := api.submit(m.app, map[string]string{"text": "bench"})
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
		t.results = e.Results
	}
	return t, nil
}
