package host

import (
	"strings"
	"testing"
)

// TestBecome tries who may become whom once the package is installed: threatconnect becomes tc-job,
// and nobody becomes anybody else.
func TestBecome(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.install(older)
	who := map[string]func(from, to string) []string{
		"su":   func(from, to string) []string { return []string{"su", to, "-s", "/bin/sh", "-c", "id -un"} },
		"su -": func(from, to string) []string { return []string{"su", "-", to, "-s", "/bin/sh", "-c", "id -un"} },
		"sudo": func(from, to string) []string { return []string{"sudo", "-n", "-u", to, "id", "-un"} },
	}
	for name, command := range who {
		for _, from := range []string{"threatconnect", "tc-job", "alice"} {
			for _, to := range []string{"tc-job", "threatconnect", "root", "bob"} {
				if from == to {
					continue
				}
				out, err := s.Try(append([]string{"runuser", "-u", from, "--"}, command(from, to)...)...)
				may := from == "threatconnect" && to == "tc-job"
				switch {
				case may && (err != nil || lastLines(out, 1) != to):
					t.Errorf("%s: %s cannot become %s: %v", name, from, to, err)
				case !may && err == nil:
					t.Errorf("%s: %s became %s: %s", name, from, to, out)
				}
			}
		}
	}
	s.Run("su", "alice", "-c", "true") // root's own way is as it was
	if out := s.Run("runuser", "-u", "threatconnect", "--", "sudo", "-n", "-l"); !strings.Contains(out, "(tc-job) NOPASSWD") || strings.Contains(out, "(root)") {
		t.Errorf("sudo -l of threatconnect: %s", out)
	}
}
