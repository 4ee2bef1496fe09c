package host

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/test/readme"
	"tcenvsvr/updater/handover"
)

// TestREADME does what a newcomer does: one machine, and all commands of README.md and of the
// documents for administrators, in their order and as they are written, typed by root in a folder of
// root's choice.
func TestREADME(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.startCloud()
	const folder = "/srv/admin"
	s.Run("install", "-d", "-m", "755", folder)

	// What the reader has, or waits for, before a command.
	before := map[string]func(){
		"sudo -u threatconnect tcenvsvr enroll": func() {
			_, err := s.cloud.Do(s.ctx, "bundle", "lab", "--name", "one", "-o", s.Share+"/bundle.zip")
			must(t, err, "downloading the bundle")
			s.Run("install", "-m", "600", "-o", "threatconnect", "/share/bundle.zip", folder+"/threatconnect-envsvr-bundle.zip")
		},
		"tcenvsvr status": s.connected,
		"tcenvsvr certs add": func() {
			ca, err := os.ReadFile(s.cloud.CA)
			must(t, err, "reading a CA")
			s.Write(folder+"/fullchain.pem", string(ca), 0o644)
		},
		"sudo tcenvsvr update check": func() {
			s.connected()
			s.Run("tcenvsvr", "settings", "set", "updateMode", "notify")
			s.offerReleases()
			s.wants(good)
		},
		"sudo tcenvsvr update rollback": func() { s.proved(good, "") },
		"sudo tcenvsvr update pin":      func() { s.runsFrom(handover.Baseline) },
	}

	for _, document := range readme.OnServer {
		text, err := os.ReadFile(filepath.Join(s.release.source, document))
		must(t, err, "reading a document")
		for _, line := range readme.Commands(string(text)) {
			plan := readme.Plans[document][line]
			if plan.Not != "" {
				t.Logf("not run: %s: %s", line, plan.Not)
				continue
			}
			for begin, prepare := range before {
				if strings.HasPrefix(line, begin) {
					prepare()
				}
			}
			out, err := s.typed("cd "+folder+" && "+line, plan.Typed)
			code := 0
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				code, err = exit.ExitCode(), nil
			}
			if err != nil || code != plan.Exit || !strings.Contains(out, plan.Says) {
				t.Fatalf("%s: %s: exit code %d (%v), want %d and %q:\n%s", document, line, code, err, plan.Exit, plan.Says, out)
			}
			t.Logf("%s:\n%s", line, out)
		}
		if document == "README.md" {
			s.verify("after README.md")
		}
	}
}

// typed runs a line of shell as root. With answers it has a terminal, at which they are typed as soon
// as their questions are asked.
func (s *site) typed(line string, answers map[string]string) (string, error) {
	ctx, cancel := context.WithTimeout(s.ctx, limit)
	defer cancel()
	if answers == nil {
		out, err := s.Command(ctx, "bash", "-c", line).CombinedOutput()
		return string(out), err
	}
	cmd := s.Command(ctx, "script", "--quiet", "--return", "--command", line, "/dev/null")
	keys, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	screen, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	var out bytes.Buffer
	for rest, b := []byte(nil), make([]byte, 512); ; {
		n, err := screen.Read(b)
		out.Write(b[:n])
		rest = append(rest, b[:n]...)
		for question, answer := range answers {
			if bytes.HasSuffix(rest, []byte(question)) {
				rest = nil
				_, _ = io.WriteString(keys, answer+"\n")
			}
		}
		if err != nil { // the end of it
			break
		}
	}
	return out.String(), cmd.Wait()
}
