package need

import (
	"os"
	"os/exec"
	"os/user"
	"strings"
	"testing"
)

// CI reports whether nothing may be skipped.
func CI() bool { return os.Getenv("TCENVSVR_CI") == "1" }

// missing ends the test: skipped for a developer, failed in CI.
func missing(t testing.TB, reason string) {
	t.Helper()
	if CI() {
		t.Fatalf("TCENVSVR_CI=1 and %s", reason)
	}
	t.Skip(reason)
}

// Root needs the superuser, e.g. to become another user or to mount.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "this test needs root")
	}
}

// Tool needs one of the programs and returns the path of the first found.
func Tool(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
		// A plain user's PATH lacks where Debian puts servers.
		if path, err := exec.LookPath("/usr/sbin/" + name); err == nil {
			return path
		}
	}
	missing(t, strings.Join(names, " or ")+" is not installed")
	return ""
}

// Python needs Python 3.11 and returns its path, resolved beyond the shims that version managers
// put in its place.
func Python(t testing.TB) string {
	t.Helper()
	path := Tool(t, "python3.11", "python3")
	out, err := exec.Command(path, "-c", "import sys; print(sys.executable, *sys.version_info[:2])").Output()
	fields := strings.Fields(string(out))
	if err != nil || len(fields) != 3 || fields[1] != "3" || fields[2] != "11" {
		missing(t, path+" is not Python 3.11")
	}
	return fields[0]
}

// Modules needs a Python to have modules.
func Modules(t testing.TB, python string, names ...string) {
	t.Helper()
	if err := exec.Command(python, "-c", "import "+strings.Join(names, ", ")).Run(); err != nil {
		missing(t, python+" lacks one of the modules "+strings.Join(names, ", "))
	}
}

// Java needs a JDK and returns its java and javac.
func Java(t testing.TB) (java, javac string) {
	t.Helper()
	return Tool(t, "java"), Tool(t, "javac")
}

// User needs the user to exist.
func User(t testing.TB, name string) *user.User {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		missing(t, "there is no user "+name)
	}
	return u
}

// OtherUser needs root and one of the users that may run jobs in tests: tc-job, or Debian's nobody.
func OtherUser(t testing.TB) *user.User {
	t.Helper()
	Root(t)
	if u, err := user.Lookup("tc-job"); err == nil {
		return u
	}
	return User(t, "nobody")
}

// File needs a file that test/run fetches.
func File(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		missing(t, path+" is not there: test/run fetches it")
	}
}
