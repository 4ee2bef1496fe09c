package host

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"tcenvsvr/test/apps"
	"tcenvsvr/test/readme"
)

// shared builds Apps into /share, for everybody to read.
func (s *site) shared(names ...string) {
	s.t.Helper()
	for _, name := range names {
		file, err := apps.Build(name, s.Share)
		must(s.t, err, "building App "+name)
		must(s.t, os.Chmod(file, 0o644), "letting everybody read App "+name)
	}
}

// shell runs a line of shell as a user of the machine.
func (s *site) shell(user, line string) (string, error) {
	return s.Try("runuser", "-u", user, "--", "sh", "-c", "cd /; "+line)
}

// developer is a user with an App and what belongs to it in a folder of his own.
func (s *site) developer(user string) (run func(line string) (string, error)) {
	s.t.Helper()
	dir := "/srv/" + user
	s.Run("install", "-d", "-m", "700", "-o", user, dir)
	s.Run("install", "-m", "600", "-o", user, "/share/playbook.tcx", dir+"/my_app.tcx")
	for name, text := range map[string]string{
		"params.json": `{"in_string": "#App:1:in!String", "in_stringarray": "#App:1:list!StringArray"}`,
		"kv.json":     `{"#App:1:in!String": "hello", "#App:1:list!StringArray": ["a", null]}`,
	} {
		s.Write(dir+"/"+name, text, 0o600)
		s.Run("chown", user, dir+"/"+name)
	}
	return func(line string) (string, error) { return s.shell(user, "cd "+dir+" && "+line) }
}

// readme is the command about developing Apps that begins so.
func (s *site) readme(begin string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.release.source, "agent/app/README.md"))
	must(s.t, err, "reading the document")
	for _, command := range readme.Commands(string(text)) {
		if strings.HasPrefix(command, begin) {
			return command
		}
	}
	s.t.Fatalf("agent/app/README.md has no command %q", begin)
	return ""
}

// TestAppRunAlone is a developer's machine: no package, no home, no sandbox.
func TestAppRunAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.shared("playbook")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", s.Share, "./cmd/tcenvsvr")
	build.Dir, build.Env = s.release.source, append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	must(t, err, "building tcenvsvr: "+string(out))
	s.Run("cp", "/share/tcenvsvr", "/usr/local/bin/")
	const command = "tcenvsvr app run my_app.tcx --param-file params.json --kv-file kv.json --no-sandbox"
	for _, user := range []string{"alice", "root"} {
		run := s.developer(user)
		if out, err := run(strings.ReplaceAll(command, "--no-sandbox", "")); err == nil || !strings.Contains(out, "--no-sandbox") {
			t.Errorf("%s, without a sandbox and unasked: %v: %s; want a refusal that names --no-sandbox", user, err, out)
		}
		out, err := run("umask 077; " + command)
		if err != nil || !strings.HasPrefix(out, "running as "+user+", without a sandbox") || !strings.Contains(out, `"olleh"`) {
			t.Errorf("%s: %v: %s", user, err, out)
		}
	}
	if left := s.Run("find", "/tmp", "/opt", "-name", ".local-*", "-o", "-name", ".tcenvsvr"); left != "" {
		t.Errorf("left behind: %s", left)
	}
}

// TestAppRun is an installation as "dnf install" and "enroll" leave it. All who may become tc-job
// run Apps as orders do.
func TestAppRun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.startCloud()
	s.install(older)
	s.enroll()
	s.shared("probe", "sleep", "playbook")
	s.Write("/root/secret.tcx", "", 0o600) // what root alone may read
	s.Run("cp", "/share/probe.tcx", "/root/secret.tcx")
	s.Run("chmod", "600", "/root/secret.tcx")
	// A process of the host's, with a number that no process of an App's world has.
	host := s.mainPID("systemd-journald")
	s.Write("/root/secret.json", `{"agent": "`+host+`"}`, 0o600)
	s.Write("/etc/sudoers.d/alice", "alice ALL=(tc-job) NOPASSWD: ALL\n", 0o440)
	before := s.folders()
	if out, err := s.developer("root")(s.readme("sudo tcenvsvr app run")); err != nil || !strings.HasPrefix(out, "running as tc-job by sudo\n") || !strings.Contains(out, `"olleh"`) {
		t.Errorf("in the document's words: %v: %s", err, out)
	}

	run := "tcenvsvr app run /share/probe.tcx --param agent=" + host + " --param state=" + state
	by := func(runner string) {
		for name, tc := range map[string]struct{ user, line string }{
			"the agent's user": {"threatconnect", "umask 077; " + run},
			"root":             {"root", "umask 077; tcenvsvr app run /root/secret.tcx --param-file /root/secret.json --param state=" + state},
		} {
			t.Run(name+" by "+runner, func(t *testing.T) { s.as(t).ranAsJob(tc.user, tc.line, runner) })
		}
	}
	by("sudo")
	t.Run("another who may become tc-job by sudo", func(t *testing.T) {
		s := s.as(t)
		if out, err := s.shell("alice", run); err == nil || !strings.Contains(out, "--home") {
			t.Errorf("without a home of her own: %v: %s; want a refusal that names --home", err, out)
		}
		s.ranAsJob("alice", "umask 077; "+run+" --home /nowhere --appsSandboxUser tc-job", "sudo")
	})
	t.Run("one who may not", func(t *testing.T) {
		s := s.as(t)
		if out, err := s.shell("bob", run+" --home /nowhere --appsSandboxUser tc-job"); err == nil || !strings.Contains(out, "sudo: a password is required") {
			t.Errorf("%v: %s; want sudo's refusal", err, out)
		}
	})
	t.Run("interrupted", func(t *testing.T) { s.as(t).diesBy("INT") })
	t.Run("killed", func(t *testing.T) { s.as(t).diesBy("KILL") })

	s.Run("systemctl", "start", "tc-job.socket")
	s.Run("sudo", "-u", "threatconnect", "tcenvsvr", "settings", "set", "appsRunner=socket")
	by("socket")
	t.Run("killed behind the socket", func(t *testing.T) { s.as(t).diesBy("KILL") })

	if after := s.folders(); after != before {
		t.Errorf("left behind:\n%s\nwant\n%s", after, before)
	}
	s.verify("after Apps ran")
	s.Run("tcenvsvr", "host", "check")
}

// ranAsJob runs the App that tries what Apps must not be able to do.
func (s *site) ranAsJob(user, line, runner string) {
	s.t.Helper()
	out := "/tmp/out-" + strconv.Itoa(syscall.Getpid()) + "-" + user + "-" + runner
	said, err := s.shell(user, line+" --out "+out)
	if err != nil || !strings.HasPrefix(said, "running as tc-job by "+runner+"\n") {
		s.t.Fatalf("%v: %s", err, said)
	}
	var p probed
	must(s.t, json.Unmarshal([]byte(s.Read(out+"/out/deep/found.json")), &p), "reading what the App found")
	s.caged(p)
	s.Run("rm", "-r", out)
}

// diesBy ends "app run" by a signal while its App runs. Nothing of the App stays, of its folders
// only what a process that was killed cannot remove, and that not for long.
func (s *site) diesBy(signal string) {
	s.t.Helper()
	cmd := s.Command(s.ctx, "runuser", "-u", "threatconnect", "--", "tcenvsvr", "app", "run", "/share/sleep.tcx", "--param", "seconds=100000")
	log, err := os.Create(filepath.Join(s.t.TempDir(), "log"))
	must(s.t, err, "making a log")
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	must(s.t, cmd.Start(), "starting app run")
	s.eventually("waiting for the App to run", func() error {
		text, err := os.ReadFile(log.Name())
		if err == nil && !strings.Contains(string(text), "\nstarted ") {
			err = fmt.Errorf("it says %s", text)
		}
		return err
	})
	s.Run("pkill", "-"+signal, "-x", "-u", "threatconnect", "tcenvsvr")
	ended := cmd.Wait()
	if text, err := os.ReadFile(log.Name()); err != nil || signal == "INT" && (cmd.ProcessState.ExitCode() != 130 || !strings.Contains(string(text), "\ncancelled: ")) {
		s.t.Errorf("interrupted it ends with %v, %v: %s; want 130 and what became of the App", ended, err, text)
	}
	s.eventually("waiting for the end of the App", func() error {
		if left, err := s.Try("pgrep", "-a", "-u", "tc-job", "python|tcenvsvr"); err == nil {
			return fmt.Errorf("there still is %s", left)
		}
		return nil
	})
	if left := s.Run("find", exchange, "-name", "local-*"); (left == "") == (signal == "KILL") {
		s.t.Errorf("by %s it left %q", signal, left)
	}
	_, err = s.shell("threatconnect", "tcenvsvr app run /share/sleep.tcx --param seconds=0")
	must(s.t, err, "running another App")
	if left := s.Run("find", exchange, "-name", "*local-*"); left != "" {
		s.t.Errorf("the next run left what the killed one had left: %s", left)
	}
}

// folders are those that runs of Apps could leave something in.
func (s *site) folders() string {
	s.t.Helper()
	return s.Run("find", "/tmp", exchange, "-not", "-path", "/tmp/systemd-*", "-printf", "%p %u %m\n")
}
