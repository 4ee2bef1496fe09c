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
	"tcenvsvr/updater/repository"
)

// TestREADME does what a newcomer does: all commands of README.md and of the documents for
// administrators, in their order and as they are written, typed by root in a folder of root's
// choice.
func TestREADME(t *testing.T) {
	for _, documents := range readme.OnServer {
		t.Run(strings.ReplaceAll(documents[0], "/", "-"), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.startCloud()
			s.Run("install", "-d", "-m", "755", readersFolder)
			for _, document := range documents {
				s.types(document)
			}
		})
	}
}

// readersFolder is where the commands are typed.
const readersFolder = "/srv/admin"

// types runs the commands of a document.
func (s *site) types(document string) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.release.source, document))
	must(s.t, err, "reading a document")
	before := s.before()
	for _, line := range readme.Commands(string(text)) {
		plan := readme.Plans[document][line]
		if plan.Not != "" {
			s.t.Logf("not run: %s: %s", line, plan.Not)
			continue
		}
		for _, of := range []string{"", document} {
			for begin, prepare := range before[of] {
				if strings.HasPrefix(line, begin) {
					prepare()
				}
			}
		}
		out, err := s.typed("cd "+readersFolder+" && "+line, plan.Typed)
		code := 0
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			code, err = exit.ExitCode(), nil
		}
		if err != nil || code != plan.Exit || !strings.Contains(out, plan.Says) {
			s.t.Fatalf("%s: %s: exit code %d (%v), want %d and %q:\n%s", document, line, code, err, plan.Exit, plan.Says, out)
		}
		s.t.Logf("%s:\n%s", line, out)
	}
	if after := s.after()[document]; after != nil {
		after()
	}
}

// before is what a reader of a document has, or waits for, before a command that begins so; of "" in
// all of them.
func (s *site) before() map[string]map[string]func() {
	give := func(name string, args ...string) {
		s.t.Helper()
		_, err := s.cloud.Do(s.ctx, append(args, "--force", "-o", filepath.Join(s.Share, name))...)
		must(s.t, err, "downloading "+name)
		s.Run("install", "-m", "600", "-o", "threatconnect", "/share/"+name, readersFolder+"/"+name)
	}
	const bundle = product + "-bundle.zip"
	return map[string]map[string]func(){
		"": {"tcenvsvr status": s.connected},
		"README.md": {
			"sudo -u threatconnect tcenvsvr enroll": func() { give(bundle, "bundle", "lab", "--name", "one") },
			"tcenvsvr certs add": func() {
				ca, err := os.ReadFile(s.cloud.CA)
				must(s.t, err, "reading a CA")
				s.Write(readersFolder+"/fullchain.pem", string(ca), 0o644)
			},
			"sudo tcenvsvr update check": func() {
				s.connected()
				s.Run("tcenvsvr", "settings", "set", "updateMode", "notify")
				s.offerReleases()
				s.wants(good)
			},
			"sudo tcenvsvr update rollback": func() { s.proved(good, "") },
			"sudo tcenvsvr update pin":      func() { s.runsFrom(handover.Baseline) },
		},
		"agent/README.md": {
			"tcenvsvr settings set metricsFile": func() { s.Run("install", "-d", metricsFolder) },
		},
		"updater/README.md": {
			"sudo tcenvsvr update check":    s.connected,
			"sudo tcenvsvr update rollback": func() { s.proved(good, "") },
			"sudo tcenvsvr update pin":      func() { s.runsFrom(handover.Baseline) },
			"sudo -u threatconnect tcenvsvr update import": func() {
				s.Run("tcenvsvr", "update", "pin", "none")
				var data bytes.Buffer
				r, err := repository.Open(s.release.repository())
				must(s.t, err, "opening the update repository")
				must(s.t, r.Bundle(s.ctx, &data, good), "making a bundle of one release")
				s.Write(readersFolder+"/update-1.4.2.zip", data.String(), 0o644)
			},
		},
		"packaging/README.md": {
			"sudo -u threatconnect tcenvsvr enroll": func() {
				_, err := s.cloud.Do(s.ctx, "release", "add", filepath.Join(s.Share, "repo", rpmName(newer)))
				must(s.t, err, "adding the package to the cloud")
				give(bundle, "bundle", "lab", "--name", "two")
			},
			"rpm --import": func() {
				for _, name := range []string{"RPM-GPG-KEY-" + product, "SHA256SUMS", "SHA256SUMS.asc", rpmName(newer)} {
					s.Run("cp", "/share/repo/"+name, readersFolder)
				}
			},
			"sudo tcenvsvr service install": func() { // on a host without the package
				s.connected()
				s.Run("cp", "/usr/libexec/"+product+"/tcenvsvr", "/usr/local/bin/")
				s.dnf("remove", product)
			},
			"systemctl enable --now tc-job.socket": func() {
				s.eventually("waiting for the service", func() error { _, err := s.Try("tcenvsvr", "service", "status"); return err })
				s.Run("tcenvsvr", "service", "stop")
				s.Run("tcenvsvr", "service", "uninstall")
				s.Run("rm", "/usr/local/bin/tcenvsvr")
				s.dnf("install", product)
			},
		},
		"agent/enroll/README.md": {
			"tcenvsvr enroll bundle.zip": func() { give("bundle.zip", "bundle", s.setting("environment"), "--server", s.setting("serverXid")) },
			"tcenvsvr enroll environment.env": func() {
				s.Run("systemctl", "restart", unit) // as enroll said
				_, err := s.typed("tcenvsvr keychain unlock", readme.Plans["README.md"]["sudo tcenvsvr keychain unlock"].Typed)
				must(s.t, err, "unlocking")
				s.connected()
				_, err = s.cloud.Do(s.ctx, "env", "create", "prod")
				must(s.t, err, "creating the other Environment")
				give("environment.env", "bundle", "prod", "--kind", "env", "--server", s.setting("serverXid"))
			},
			"tcenvsvr enroll bundle.zip --yes": func() { s.Write(readersFolder+"/FILE", readme.Password+"\n", 0o600) },
		},
	}
}

// after is what must be true after a document.
func (s *site) after() map[string]func() {
	return map[string]func(){
		"README.md": func() { s.verify("after README.md") },
		"agent/README.md": func() {
			s.eventually("waiting for the metrics", func() error {
				_, err := os.Stat(s.Path(metricsFolder + "/tcenvsvr.prom"))
				return err
			})
		},
	}
}

const metricsFolder = "/var/lib/node_exporter/textfile_collector"

// setting is the value of a setting.
func (s *site) setting(name string) string {
	return strings.TrimSpace(s.Run("tcenvsvr", "settings", "get", name))
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
