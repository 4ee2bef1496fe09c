package test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/settings"
	"tcenvsvr/test/stage"
)

// tcenvsvr runs a command on an agent's home and returns all that it printed.
func (s *scene) tcenvsvr(a *stage.Agent, args ...string) (string, error) {
	out, err := exec.CommandContext(s.ctx, s.AgentBin, append(args, "--home", a.Home)...).CombinedOutput()
	return string(out), err
}

// refuses checks that a command fails for a reason and changes no file of the enrollment.
func (s *scene) refuses(a *stage.Agent, reason string, args ...string) {
	s.t.Helper()
	before := s.enrollmentFiles(a)
	out, err := s.tcenvsvr(a, args...)
	if err == nil || !strings.Contains(out, reason) {
		s.t.Errorf("%s: got %v, want %q in:\n%s", args[0], err, reason, out)
	}
	for name, data := range s.enrollmentFiles(a) {
		if !bytes.Equal(before[name], data) {
			s.t.Errorf("%s: %s changed", reason, name)
		}
	}
}

// enrollmentFiles returns the files that an enrollment writes.
func (s *scene) enrollmentFiles(a *stage.Agent) map[string][]byte {
	s.t.Helper()
	p := s.paths(a)
	files := map[string][]byte{}
	for _, file := range []string{p.Settings, p.Keychain, p.Keystore, p.Keystore + ".next"} {
		data, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			s.t.Fatal(err)
		}
		files[filepath.Base(file)] = data
	}
	return files
}

func (s *scene) paths(a *stage.Agent) paths.Paths {
	s.t.Helper()
	p, err := paths.New(a.Home)
	s.must(err, "finding the agent's files")
	return p
}

// bundle makes a bundle, or a link to one, and returns what enroll takes.
func (s *scene) bundle(c *stage.Cloud, environment, name string, flags ...string) string {
	s.t.Helper()
	args := append([]string{"bundle", environment, "--name", name}, flags...)
	file := filepath.Join(s.Dir, name+".zip")
	if len(flags) == 0 || flags[0] != "--link" {
		args = append(args, "-o", file)
	}
	out, err := c.Do(s.ctx, args...)
	s.must(err, "making a bundle")
	if strings.HasPrefix(out, "https://") {
		return strings.TrimSpace(out)
	}
	return file
}

// set changes settings in an agent's file, enrolled or not.
func set(a *stage.Agent, keysAndValues ...string) error {
	p, err := paths.New(a.Home)
	if err != nil {
		return err
	}
	if err := p.Create(); err != nil {
		return err
	}
	changes := map[string]string{}
	for i := 0; i < len(keysAndValues); i += 2 {
		changes[keysAndValues[i]] = keysAndValues[i+1]
	}
	return settings.Set(p.Settings, changes, nil)
}

// withT returns the scene for a subtest. Its time begins now: one that runs in parallel may have waited
// long for its turn.
func (s *scene) withT(t *testing.T) *scene {
	sub := *s
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	sub.t, sub.ctx = t, ctx
	return &sub
}

// proxyFlags returns the flags of an agent behind a proxy that knows the user ada.
func (s *scene) proxyFlags(proxy string) []string {
	s.t.Helper()
	u, err := url.Parse(proxy)
	s.must(err, "reading the proxy's URL")
	return []string{"--proxyTC", "true", "--proxyHost", u.Scheme + "://" + u.Hostname(), "--proxyPort", u.Port(), "--proxyUsername", "ada"}
}

// logged looks for a text in the agent's log.
func logged(a *stage.Agent, text string) error {
	log, err := os.ReadFile(a.Home + ".log") // its standard error
	if err == nil && !strings.Contains(string(log), text) {
		err = fmt.Errorf("the log lacks %q:\n%s", text, log)
	}
	return err
}

// secretsOf returns the secrets that enrollment gave to the agent.
func (s *scene) secretsOf(a *stage.Agent) []string {
	s.t.Helper()
	p, err := paths.New(a.Home)
	s.must(err, "finding the agent's settings")
	password, err := os.ReadFile(a.Home + "-masterkey")
	s.must(err, "reading the agent's master password")
	chain, err := keychain.Open(p.Keychain)
	s.must(err, "opening the agent's keychain")
	s.must(chain.Unlock(password), "unlocking the agent's keychain")
	set, _, err := settings.Load(settings.Options{File: p.Settings, Unseal: chain.Unseal})
	s.must(err, "reading the agent's settings")
	secrets := []string{set.BrokerToken.Reveal(), set.AppDeliveryToken.Reveal(), set.KeystorePassword.Reveal()}
	if slices.Contains(secrets, "") {
		s.t.Fatal("a secret is missing after enrollment")
	}
	return secrets
}

// newSession waits for a session with a higher epoch and returns that.
func (s *scene) newSession(a *stage.Agent, after int64) int64 {
	s.t.Helper()
	var epoch int64
	s.eventually("waiting for a new session", func() error {
		status, err := a.Status(s.ctx)
		if err != nil {
			return err
		}
		if epoch = status.Link.Epoch; !status.Link.Connected || epoch <= after {
			return fmt.Errorf("connected: %v, epoch %d, want more than %d", status.Link.Connected, epoch, after)
		}
		return nil
	})
	return epoch
}

// prints waits until a command prints all of the texts, whether it succeeds or not.
func (s *scene) prints(a *stage.Agent, verb string, texts ...string) {
	s.t.Helper()
	s.eventually("waiting for "+verb+" to say it", func() error {
		out, _ := s.tcenvsvr(a, verb)
		for _, text := range texts {
			if !strings.Contains(out, text) {
				return fmt.Errorf("%q is missing in:\n%s", text, out)
			}
		}
		return nil
	})
}
