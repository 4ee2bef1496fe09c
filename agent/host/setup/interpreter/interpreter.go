package interpreter

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Kind is an interpreter that Apps need.
type Kind struct {
	Name     string // as in "setup python", and the folder below the home
	Version  string
	Setting  string         // that names it
	Packages string         // what to install where there is none
	programs []string       // below the top folder
	probe    []string       // arguments that make it print its version
	version  *regexp.Regexp // finds the version in the output
}

// The kinds.
var (
	Python = Kind{
		Name: "python", Version: "3.11", Setting: "appsPythonHome311", Packages: "python3.11 python3.11-pip",
		programs: []string{"bin/python3.11", "bin/python3", "bin/python"},
		// Apps speak TLS: a Python that was built without OpenSSL does not do.
		probe:   []string{"-I", "-c", "import sys, ssl; print('version', '%d.%d' % sys.version_info[:2])"},
		version: regexp.MustCompile(`(?m)^version (\S+)$`),
	}
	Java = Kind{
		Name: "java", Version: "17", Setting: "appsJavaHome", Packages: "java-17-openjdk-headless",
		programs: []string{"bin/java"},
		probe:    []string{"-XshowSettings:properties", "-version"},
		version:  regexp.MustCompile(`(?m)^\s*java\.specification\.version = (\S+)$`),
	}
)

// Verify runs the program and reads its version.
func (k Kind) Verify(ctx context.Context, program string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, program, k.probe...)
	c.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	c.Dir = string(filepath.Separator)
	c.WaitDelay = 5 * time.Second
	out, err := c.CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("running %q: %w: %.200s", program, err, lines[len(lines)-1])
	}
	m := k.version.FindSubmatch(out)
	if m == nil {
		return fmt.Errorf("running %q: it does not print its version", program)
	}
	if got := string(m[1]); got != k.Version {
		return fmt.Errorf("%q is %s %s, and Apps need %s", program, k.Name, got, k.Version)
	}
	return nil
}

// In finds the program in a folder, or in the one folder that is in it, as archives have it.
func (k Kind) In(dir string) (home, program string, err error) {
	homes := []string{dir}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) == 1 {
		homes = append(homes, filepath.Join(dir, entries[0].Name()))
	}
	for _, home := range homes {
		for _, name := range k.programs {
			program := filepath.Join(home, name)
			if info, err := os.Stat(program); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return home, program, nil
			}
		}
	}
	return "", "", fmt.Errorf("looking for %s in %q: there is no %s", k.Name, dir, strings.Join(k.programs, ", "))
}
