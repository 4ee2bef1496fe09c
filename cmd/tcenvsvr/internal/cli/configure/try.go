package configure

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tcenvsvr/agent/settings"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// tryTimeout bounds trying one value.
const tryTimeout = 10 * time.Second

// try finds out whether a new value works, together with the other changes, where that can be known
// at once. what describes what was found, "" if nothing was tried.
func try(ctx context.Context, s settings.Settings, changes map[string]string, name string) (what string, err error) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	switch name {
	case "appsJavaHome":
		return runtime(ctx, changes[name], javaPlaces, "Java", "17", "-version")
	case "appsPythonHome":
		return runtime(ctx, changes[name], pythonPlaces, "Python", "", "--version")
	case "appsPythonHome311":
		return runtime(ctx, changes[name], pythonPlaces, "Python", "3.11", "--version")
	case "proxyHost", "proxyPort":
		return answers(ctx, s, changes)
	}
	return "", nil
}

var (
	javaPlaces   = []string{"bin/java", "bin/java.exe"}
	pythonPlaces = []string{"bin/python3.11", "bin/python3", "bin/python", "python3.11", "python.exe"}
	versionWord  = regexp.MustCompile(`\d+(\.\d+)*`)
)

// runtime runs the interpreter that is home, or lies in it, and checks its version.
func runtime(ctx context.Context, home string, places []string, name, want, flag string) (string, error) {
	program := home
	if info, err := os.Stat(home); err != nil {
		return "", err
	} else if info.IsDir() {
		program = ""
		for _, place := range places {
			file := filepath.Join(home, filepath.FromSlash(place))
			if _, err := os.Stat(file); err == nil && program == "" {
				program = file
			}
		}
	}
	if program == "" {
		return "", fmt.Errorf("there is no %s in %q: none of %s", name, home, strings.Join(places, ", "))
	}
	out, err := exec.CommandContext(ctx, program, flag).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("running %q: %w", program, err)
	}
	got := versionWord.FindString(string(out))
	if want != "" && got != want && !strings.HasPrefix(got, want+".") {
		return "", fmt.Errorf("%q is %s %s, want %s", program, name, got, want)
	}
	return fmt.Sprintf("%s %s", name, got), nil
}

// answers connects to the proxy. Whether the proxy lets the agent through is up to "tcenvsvr
// doctor".
func answers(ctx context.Context, s settings.Settings, changes map[string]string) (string, error) {
	if host, changed := changes["proxyHost"]; changed {
		s.ProxyHost = host
	}
	if port, changed := changes["proxyPort"]; changed {
		s.ProxyPort, _ = strconv.Atoi(port)
	}
	u := s.ProxyURL()
	if u == nil || s.ProxyPort == 0 {
		return "", nil // the other half comes later
	}
	c, err := new(net.Dialer).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return "", fmt.Errorf("connecting to the proxy: %w", err)
	}
	return "something answers at " + u.Host, errors.Join(c.Close())
}

// propose returns a value that works on this host, "" if none is found.
func propose(ctx context.Context, e *env.Env, name string) string {
	var guesses []string
	switch name {
	case "appsJavaHome":
		guesses = append([]string{e.Getenv("JAVA_HOME")}, glob("/usr/java/latest", "/usr/lib/jvm/*17*", "/opt/java*")...)
	case "appsPythonHome311":
		guesses = glob("/opt/python3.11*", "/usr/bin/python3.11", "/usr/local/bin/python3.11")
	case "appsPythonHome":
		guesses = glob("/usr/bin/python3", "/usr/local/bin/python3")
	case "proxyHost", "proxyPort":
		return fromEnvironment(e, name)
	}
	for _, guess := range guesses {
		if guess == "" {
			continue
		}
		if _, err := try(ctx, settings.Settings{}, map[string]string{name: guess}, name); err == nil {
			return guess
		}
	}
	return ""
}

func glob(patterns ...string) []string {
	var found []string
	for _, p := range patterns {
		files, _ := filepath.Glob(p)
		found = append(found, files...)
	}
	return found
}

// fromEnvironment returns the proxy that other programs of this host use.
func fromEnvironment(e *env.Env, name string) string {
	p := settings.FindOtherProxy(e.Environ)
	switch {
	case p == nil:
		return ""
	case name == "proxyPort":
		return p.Port
	}
	return p.Host
}
