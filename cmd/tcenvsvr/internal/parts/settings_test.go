package parts

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tcenvsvr/agent/job"
	"tcenvsvr/agent/settings"
)

// with are the settings where all but these are at their defaults.
func with(t *testing.T, set map[string]string) settings.Settings {
	t.Helper()
	s, _, err := settings.Load(settings.Options{Overrides: set})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What Apps are told follows the settings.
func TestSettingsReachApps(t *testing.T) {
	plain := Execution(with(t, nil))
	s := with(t, map[string]string{
		"apiURL": "https://c.example:8443/", "appsJobOutputMaxBytes": "70000",
		"proxyHost": "https://p.example", "proxyPort": "3128", "proxyUsername": "ada", "proxyPassword": "pw", "proxyTC": "true", "proxyExternal": "true",
	})
	e := Execution(s)
	if e.APIPath != "https://c.example:8443/api" || e.MaxOutput != 70000 || plain.MaxOutput != 10<<20 {
		t.Errorf("Apps are told the API %q and may print %d (by default %d)", e.APIPath, e.MaxOutput, plain.MaxOutput)
	}
	if p := e.Proxy; p.Host != "p.example" || p.Port != 3128 || p.Username != "ada" || p.Password != "pw" || !p.TC || !p.External {
		t.Errorf("Apps are told the proxy %+v", p)
	}
	if plain.Proxy.Host != "" || plain.Proxy.External {
		t.Errorf("without settings Apps are told the proxy %+v", plain.Proxy)
	}
}

// What one App may use is what the settings say.
func TestSettingsLimitApps(t *testing.T) {
	got := Execution(with(t, map[string]string{"appsMemoryMegabytes": "300", "appsTasksMax": "70", "appsCpuWeight": "40", "appsNumberofJobExecutors": "3", "appsNumberofServices": "2"})).Limits
	if want := (job.Limits{Memory: 300 << 20, Tasks: 70, CPUWeight: 40, Processes: 350}); got != want {
		t.Errorf("Apps are limited to %+v, want %+v", got, want)
	}
	if plain := Execution(with(t, nil)).Limits; plain == got {
		t.Errorf("without settings Apps are limited to %+v", plain)
	}
}

// The interpreters that are set are the ones that Apps run with.
func TestSettingsChooseInterpreters(t *testing.T) {
	dir := t.TempDir()
	program := func(path ...string) string {
		file := filepath.Join(append([]string{dir}, path...)...)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte("#!/bin/sh\n"), 0o755)); err != nil {
			t.Fatal(err)
		}
		return file
	}
	wantJava, python311, python := program("java", "bin", "java"), program("p311", "bin", "python3.11"), program("py", "bin", "python3")
	java, pythons := Execution(with(t, map[string]string{
		"appsJavaHome": filepath.Join(dir, "java"), "appsPythonHome311": filepath.Join(dir, "p311"), "appsPythonHome": filepath.Join(dir, "py"),
	})).Interpreters()
	if java != wantJava || !slices.Contains(pythons, python311) || !slices.Contains(pythons, python) {
		t.Errorf("got Java %q and Pythons %q, want %q, %q and %q", java, pythons, wantJava, python311, python)
	}
	if java, pythons := Execution(with(t, nil)).Interpreters(); java == wantJava || slices.Contains(pythons, python311) {
		t.Errorf("without settings: %q, %q", java, pythons)
	}
}

// Who Apps run as follows the settings.
func TestSettingsChooseTheSandbox(t *testing.T) {
	for _, tc := range []struct{ user, runner, want string }{
		{"", "auto", ""}, {"somebody", "sudo", "somebody"}, {"somebody", "none", ""}, {"", "socket", "tc-job"}, {"somebody", "socket", "somebody"},
	} {
		j, err := NewJobs(with(t, map[string]string{"appsSandboxUser": tc.user, "appsRunner": tc.runner}), t.TempDir(), slog.New(slog.DiscardHandler))
		if err != nil || j.user != tc.want || (j.Readable() != nil) != (tc.want != "") {
			t.Errorf("appsSandboxUser %q, appsRunner %q: jobs run as %q, %v; want %q", tc.user, tc.runner, j.user, err, tc.want)
		}
	}
}

func TestSettingsLimitTemplates(t *testing.T) {
	for value, want := range map[string]int{"": 512, "auto": 512, "0": 0, "77": 77} {
		if got := with(t, map[string]string{"appsWarmMegabytes": value}).WarmMegabytes(8 << 30); got != want {
			t.Errorf("%q: got %d, want %d", value, got, want)
		}
	}
	if got := with(t, nil).WarmMegabytes(1 << 40); got != 1024 {
		t.Errorf("got %d", got)
	}
}
