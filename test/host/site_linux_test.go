package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/stage"
)

const (
	product  = "threatconnect-envsvr"
	home     = "/opt/threatconnect-envsvr"
	state    = home + "/.tcenvsvr"
	exchange = state + "/exchange"
	unit     = product + ".service"
)

// site is a customer's: a machine that knows our repository, and behind the wire a cloud with the
// Environment "lab" and the Apps.
type site struct {
	*Host
	ctx     context.Context
	release *release
	cloud   *stage.Cloud
}

// newSite boots a machine; nothing is installed on it.
func newSite(t *testing.T, edits ...func(root string)) *site {
	t.Helper()
	return siteOn(t, Boot, edits...)
}

// siteOn is newSite on a machine that boot boots.
func siteOn(t *testing.T, boot func(Owner, string, ...func(string)) *Host, edits ...func(root string)) *site {
	t.Helper()
	bare := root(t)
	r := theRelease(t)
	edits = append(edits, func(root string) {
		hosts, err := os.OpenFile(filepath.Join(root, "etc/hosts"), os.O_WRONLY|os.O_APPEND, 0)
		must(t, err, "opening /etc/hosts")
		_, err = fmt.Fprintln(hosts, CloudAddress, CloudName)
		must(t, errors.Join(err, hosts.Close()), "writing /etc/hosts")
	})
	s := &site{Host: boot(t, bare, edits...), ctx: t.Context(), release: r}
	must(t, os.CopyFS(filepath.Join(s.Share, "repo"), os.DirFS(r.repo)), "publishing the packages")
	s.Run("cp", "/share/repo/"+product+".repo", "/etc/yum.repos.d/")
	return s
}

// as is the same site for a subtest.
func (s *site) as(t *testing.T) *site {
	h, other := *s.Host, *s
	h.t, other.Host, other.ctx = t, &h, t.Context()
	return &other
}

// dnf changes packages as an administrator does.
func (s *site) dnf(args ...string) string {
	s.t.Helper()
	return s.Run(append([]string{"dnf", "-y", "--quiet"}, args...)...)
}

func (s *site) install(version string) string {
	s.t.Helper()
	return s.dnf("install", nevra(version))
}

// rpm names a version as the package's file does: 1.2.3-rc.1 is 1.2.3~rc.1.
func evr(version string) string     { return strings.ReplaceAll(version, "-", "~") + "-1" }
func nevra(version string) string   { return product + "-" + evr(version) }
func rpmName(version string) string { return nevra(version) + "." + rpmArch + ".rpm" }

// verify fails the test if rpm finds a file of ours other than as packaged.
func (s *site) verify(when string) {
	s.t.Helper()
	if out, err := s.Try("rpm", "-V", product); err != nil || out != "" {
		s.t.Errorf("rpm -V %s: %q (%v); want silence", when, out, err)
	}
}

// startCloud starts a cloud in its own namespace, with an Environment and Apps.
func (s *site) startCloud(names ...string) {
	s.t.Helper()
	dir := filepath.Dir(s.Share)
	program, err := s.InCloud(dir, s.release.cloud)
	must(s.t, err, "placing tccloud")
	built := &stage.Stage{Dir: dir, CloudBin: program}
	s.cloud, err = built.StartCloud(s.ctx, "cloud", "--name", CloudName,
		"--broker-addr", CloudAddress+":62000", "--api-addr", CloudAddress+":443",
		"--lease", "10m") // a machine that has much to do may need a minute to change packages
	must(s.t, err, "starting the cloud")
	s.t.Cleanup(s.cloud.Kill)
	_, err = s.cloud.Do(s.ctx, "env", "create", "lab")
	must(s.t, err, "creating the Environment")
	for _, name := range names {
		file, err := apps.Build(name, dir)
		must(s.t, err, "building App "+name)
		_, err = s.cloud.Do(s.ctx, "app", "add", file)
		must(s.t, err, "adding App "+name)
	}
}

// masterKey is a file with the keychain's master password, as hosts have it on which nobody can
// type it.
const masterKey = "/etc/threatconnect-envsvr/masterkey"

// enroll makes the machine a server of the Environment, as a script does.
func (s *site) enroll() (said string) {
	s.t.Helper()
	_, err := s.cloud.Do(s.ctx, "bundle", "lab", "--name", "one", "-o", filepath.Join(s.Share, "bundle.zip"))
	must(s.t, err, "downloading the bundle")
	s.Write(masterKey, "correct horse battery staple\n", 0o600)
	s.Run("chown", "threatconnect:", masterKey)
	must(s.t, os.Chmod(filepath.Join(s.Share, "bundle.zip"), 0o644), "letting the agent's user read the bundle")
	return s.Run("sudo", "-u", "threatconnect", "tcenvsvr", "enroll", "/share/bundle.zip", "--yes", "--master-key-file", masterKey)
}

// connected waits until the agent has a session.
func (s *site) connected() {
	s.t.Helper()
	s.eventually("waiting for the agent's session", func() error {
		text, err := s.Try("tcenvsvr", "status", "--json")
		if err != nil {
			return err
		}
		var status struct {
			stage.Status
			Locked string
		}
		if err := json.Unmarshal([]byte(text), &status); err != nil {
			return err
		}
		if !status.Link.Connected {
			return fmt.Errorf("not connected: %+v %s", status.Link.Failure, status.Locked)
		}
		return nil
	})
}

func (s *site) eventually(doing string, f func() error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, timeout)
	defer cancel()
	must(s.t, stage.Eventually(ctx, f), doing)
}

// execution is what the tests look at.
type execution struct {
	ID      string     `json:"id"`
	State   wire.State `json:"state"`
	Ended   bool       `json:"ended"`
	Message string     `json:"message"`
	Reason  string     `json:"reason"`
	Error   string     `json:"error"`
}

// app runs an App by an order and checks how it ended.
func (s *site) app(want wire.Outcome, name string, params ...string) execution {
	s.t.Helper()
	var e execution
	args := []string{"run", "lab", name}
	for _, p := range params {
		args = append(args, "--param", p)
	}
	err := s.cloud.JSON(s.ctx, &e, args...)
	if e.State != wire.State(want) {
		s.t.Fatalf("%s ended %q; want %s: %s %s %s (%v)", name, e.State, want, e.Error, e.Message, e.Reason, err)
	}
	return e
}

// detach orders an App that sleeps, and returns the order once it runs.
func (s *site) detach(seconds int) string {
	s.t.Helper()
	out, err := s.cloud.Do(s.ctx, "run", "lab", "Test_-_Sleep", "--detach", "--param", fmt.Sprint("seconds=", seconds))
	must(s.t, err, "ordering a long App")
	id := strings.TrimSpace(out)
	s.eventually("waiting for the App to run", func() error {
		if e := s.show(id); e.State != "running" {
			return fmt.Errorf("order %s is %s: %s %s", id, e.State, e.Error, e.Reason)
		}
		return nil
	})
	return id
}

func (s *site) show(id string) execution {
	s.t.Helper()
	var e execution
	must(s.t, s.cloud.JSON(s.ctx, &e, "execution", "show", id), "looking at an order")
	return e
}

// ended waits for the end of an order, which must be success.
func (s *site) ended(id string) {
	s.t.Helper()
	s.eventually("waiting for the end of "+id, func() error {
		if e := s.show(id); !e.Ended {
			return fmt.Errorf("it is %s", e.State)
		}
		return nil
	})
	if e := s.show(id); e.State != wire.State(wire.Succeeded) {
		s.t.Errorf("order %s ended %s: %s %s %s", id, e.State, e.Error, e.Message, e.Reason)
	}
}

// stopwatch prints how long things took; nothing is asserted.
func stopwatch(t *testing.T) func(what string) {
	begun := time.Now()
	return func(what string) {
		t.Logf("measured: %s: %.1f s", what, time.Since(begun).Seconds())
		begun = time.Now()
	}
}

// anotherThan waits until systemd runs another agent.
func (s *site) anotherThan(pid string) {
	s.t.Helper()
	s.eventually("waiting for another agent than process "+pid, func() error {
		if now := s.mainPID(unit); now == pid || now == "0" {
			return fmt.Errorf("the service's process is %s", now)
		}
		return nil
	})
}
