package doctor

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"tcenvsvr/cmd/tcenvsvr/internal/parts"
)

// interpreters finds the interpreters as for an order; of the Pythons that for 3.11 only, so that
// another one does not stand in for one that is set and gone.
func interpreters(t *target) (java string, pythons []string) {
	s := t.settings
	if s.PythonHome311 != "" {
		s.PythonHome = ""
	}
	return parts.Execution(s).Interpreters()
}

var javaVersion = regexp.MustCompile(`version "(\d+)[^"]*"`)

func java(ctx context.Context, t *target) outcome {
	program, _ := interpreters(t)
	if program == "" {
		return warn("dnf install java-17-openjdk-headless, or set appsJavaHome", "there is none%s", where("appsJavaHome", t.settings.JavaHome))
	}
	out, err := output(ctx, program, "-version")
	if err != nil {
		return fail("install Java 17 anew, or set appsJavaHome", "%q does not run: %v", program, err)
	}
	m := javaVersion.FindStringSubmatch(out)
	if m == nil || m[1] != "17" {
		return warn("install Java 17 and set appsJavaHome to it", "%q says %s", program, firstLine(out))
	}
	return ok("%q says %s", program, firstLine(out))
}

func python(ctx context.Context, t *target) outcome {
	_, programs := interpreters(t)
	if len(programs) == 0 {
		return warn("dnf install python3.11, or set appsPythonHome311", "there is none%s", where("appsPythonHome311", t.settings.PythonHome311))
	}
	out, err := output(ctx, programs[0], "-I", "-c", "import sys; print('Python %d.%d.%d' % sys.version_info[:3])")
	if err != nil {
		return fail("install Python 3.11 anew, or set appsPythonHome311", "%q does not run: %v", programs[0], err)
	}
	if !strings.HasPrefix(out, "Python 3.11.") {
		return warn("install Python 3.11 and set appsPythonHome311 to it", "%q says %s", programs[0], firstLine(out))
	}
	return ok("%q says %s", programs[0], firstLine(out))
}

// modules prints which modules are missing that Apps rely on. Those of Python itself are missing
// where it was compiled without the developer packages that the guide lists.
const modules = `
import importlib
gone = []
for name in ("ssl", "sqlite3", "zlib", "bz2", "lzma", "ctypes", "hashlib", "pip", "tcex"):
    try:
        importlib.import_module(name)
    except Exception:
        gone.append(name)
print(" ".join(gone))
`

func pythonPackages(ctx context.Context, t *target) outcome {
	_, programs := interpreters(t)
	if len(programs) == 0 {
		return skip("there is no Python")
	}
	out, err := output(ctx, programs[0], "-c", modules)
	gone := strings.Fields(out)
	switch {
	case err != nil:
		return fail("install Python 3.11 anew, or set appsPythonHome311", "%q does not run: %v", programs[0], err)
	case len(gone) == 0:
		return ok("%q has what Apps import", programs[0])
	case len(gone) == 1 && gone[0] == "tcex":
		return ok("%q has what Apps import, but for tcex, which Apps bring along", programs[0])
	case len(gone) <= 2 && strings.HasPrefix(strings.Join(gone, " "), "pip"):
		return ok("%q has what Apps import; it has no pip", programs[0])
	}
	return warn("install the developer packages (openssl-devel, sqlite-devel, libffi-devel, bzip2-devel, xz-devel, zlib-devel) and build Python anew",
		"%q cannot import %s", programs[0], strings.Join(gone, ", "))
}

func where(setting, value string) string {
	if value == "" {
		return fmt.Sprintf(" in the usual places, and %s is empty", setting)
	}
	return fmt.Sprintf(" at %s %q", setting, value)
}

// output runs a program and returns what it prints on both streams. The program gets no secrets:
// its environment has PATH only.
func output(ctx context.Context, program string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, program, args...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	c.Dir = string(filepath.Separator) // Python imports from its folder: not from one that others write
	c.WaitDelay = time.Second
	text, err := c.CombinedOutput()
	if err != nil {
		return string(text), fmt.Errorf("%w: %s", err, firstLine(string(text)))
	}
	return string(text), nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
