package host

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// verbs are the program's commands, as root types them on a home that a hostile agent user has
// prepared. A test sees to it that none is missing.
var verbs = map[string]string{
	"app":                      "app",
	"app check":                "app check /share/noop.tcx",
	"app new":                  "app new root",
	"app run":                  "app run /share/noop.tcx",
	"certs":                    "certs",
	"certs add":                "certs add /share/ca.pem",
	"certs build":              "certs build",
	"certs check":              "certs check cloud.example.com:443",
	"certs export":             "certs export /root/exported",
	"certs list":               "certs list",
	"certs python-wrapper":     "certs python-wrapper /usr/bin/python3 --at /usr/local/bin/tcpython",
	"certs remove":             "certs remove 0123456789abcdef",
	"certs show":               "certs show",
	"certs system":             "certs system --undo",
	"configure":                "configure --set drainSeconds=31",
	"doctor":                   "doctor --fix --yes",
	"enroll":                   "enroll /share/bundle.zip --yes --master-key-file " + masterKey,
	"exit-codes":               "help exit-codes",
	"host":                     "host",
	"host apply":               "host apply",
	"host check":               "host check",
	"host remove":              "host remove --dry-run",
	"host users":               "host users",
	"keychain":                 "keychain",
	"keychain change-password": "keychain change-password --master-key-file /root/masterkey --new-master-key-file /root/masterkey.new",
	"keychain init":            "keychain init --replace --master-key-file /root/masterkey",
	"keychain rotate":          "keychain rotate --forget",
	"keychain status":          "keychain status",
	"keychain unlock":          "keychain unlock --master-key-file /root/masterkey",
	"launch":                   "launch",
	"log":                      "log",
	"log level":                "log level debug",
	"man":                      "man /root/man",
	"policy":                   "policy",
	"policy check":             "policy check /share/noop.tcx",
	"policy show":              "policy show",
	"policy test":              "policy test --app Test --version 1.0.0",
	"run":                      "run",
	"service":                  "service",
	"service status":           "service status",
	"settings":                 "settings",
	"settings check":           "settings check",
	"settings explain":         "settings explain drainSeconds",
	"settings get":             "settings get drainSeconds",
	"settings set":             "settings set drainSeconds=32",
	"settings show":            "settings show --origin",
	"settings unset":           "settings unset drainSeconds",
	"setup":                    "setup",
	"setup java":               "setup java",
	"setup python":             "setup python",
	"status":                   "status",
	"support-bundle":           "support-bundle -o /root/made/bundle-$RANDOM$RANDOM.tar.gz",
	"unenroll":                 "unenroll --yes --master-key-file " + masterKey,
	"update":                   "update",
	"update apply":             "update apply",
	"update check":             "update check",
	"update import":            "update import /share/bundle.zip",
	"update pin":               "update pin none",
	"update resume":            "update resume",
	"update rollback":          "update rollback",
	"update status":            "update status",
	"verify":                   "verify",
	"version":                  "version",
	"slot select":              "slot select",
	"slot apply":               "slot apply",
	"slot bless":               "slot bless",
	"slot state":               "slot state",
	"slot ended":               "slot ended",
}

// untried are the verbs that do no more than call the service manager.
var untried = []string{"service install", "service restart", "service start", "service stop", "service uninstall"}

// traps are what the agent's user does to its own folder before root comes, run there as that user.
// Those that do not hide each other are in one home.
var traps = map[string]string{
	"nothing": "true",
	"programs in the settings": `printf '#!/bin/sh\nid -u >>/tmp/ran\necho Python 3.11.9\n' >evil && chmod 755 evil &&
		printf 'appsPythonHome: %s\nappsPythonHome311: %s\nappsJavaHome: %s\nappsRunner: none\nmasterKeyFile: /etc/shadow\n' $PWD/evil $PWD/evil $PWD/evil >>settings.yaml`,
	"a sandbox user who is root, pipes in the inbox": `sed -i /appsSandboxUser/d settings.yaml && echo 'appsSandboxUser: root' >>settings.yaml &&
		touch inbox/request-apply inbox/request-healthy && mkdir -p inbox/metadata && ln -s /root/victim inbox/metadata/root.json && mkfifo inbox/metadata/timestamp.json`,
	"files as links": `mkdir -p logs trust journal && rm -rf journal/* trust/current && ln -s /root/victim journal/journal.0 && ln -s /etc/victim journal/journal.1 &&
		ln -s /root/folder trust/current && ln -sf /root/victim logs/audit.jsonl && ln -sf /etc/shadow logs/tcenvsvr-0.log && ln -sf /root/victim logs/audit.jsonl.1 &&
		rm -f settings.yaml.lock && ln -s /root/victim settings.yaml.lock && rm -f control.sock && ln -s /run/systemd/private control.sock`,
	"folders as links": `rm -rf journal logs certs inbox exchange/jobs && ln -s /root/folder journal && ln -s /root/folder logs && ln -s /root/folder certs &&
		ln -s /root/folder inbox && ln -s /root/folder exchange/jobs`,
	"folders as links to the host's": `rm -rf logs trust certs && mv exchange x && ln -s /etc logs && ln -s /root/folder trust && ln -s /etc/threatconnect-envsvr/certs.d certs &&
		ln -s /root/folder exchange`,
	"pipes": `mkdir -p logs && rm -f logs/audit.jsonl keystore.p12 && mkfifo logs/tcenvsvr-0.log logs/audit.jsonl keystore.p12`,
	"a pipe for a folder, a hard link, names with line feeds": `mkdir -p exchange/jobs && rm -rf logs trust && mkfifo logs trust && { ln /etc/victim exchange/jobs/victim || true; } &&
		mkdir -p "$(printf 'x\nof root.log')" && touch "$(printf 'x\nof root.log/tcenvsvr-0.log')"`,
	"the settings as a link":         `rm settings.yaml && ln -s /root/victim settings.yaml`,
	"the settings as a pipe":         `rm settings.yaml && mkfifo settings.yaml`,
	"the settings as a folder":       `rm settings.yaml && mkdir settings.yaml`,
	"keystore and keychain as links": `rm keystore.p12 keychain.json && ln -s /root/victim keystore.p12 && ln -s /root/victim keychain.json && ln -s /root/victim keychain.json.old`,
	"everything open to everybody":   `chmod 777 logs exchange certs trust 2>/dev/null; chmod 666 settings.yaml keystore.p12`,
	"everything closed to everybody": `chmod 0 settings.yaml keystore.p12 keychain.json logs journal certs trust 2>/dev/null; true`,
	"files that never end":           `truncate -s 100G settings.yaml keystore.p12 keychain.json`,
}

// TestHostileAgent has root type every command on homes that the agent's user prepared: nothing
// outside the home changes owner, mode or content, and nothing that the settings name runs as root.
// Afterwards the agent starts again.
func TestHostileAgent(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.everyVerb()
	s.startCloud("noop", "job")
	s.install(older)
	s.enroll()
	s.Run("systemctl", "start", unit)
	s.connected()
	s.app("partial", "Test_-_Job", "owner=me")
	s.shared("noop")
	s.Run("systemctl", "stop", unit)
	s.Run("sh", "-c", `cp /share/../etc/ssl/certs/ca-certificates.crt /share/ca.pem 2>/dev/null; cp -a `+state+` /root/pristine
		mkdir -p /root/folder /root/made /root/man /root/exported && echo root >/root/folder/file && echo root >/root/victim && echo root >/etc/victim
		chmod 700 /root/folder && chmod 600 /root/victim /etc/victim && install -m 600 `+masterKey+` /root/masterkey && cp -p /root/masterkey /root/masterkey.new
		tcenvsvr certs system && tcenvsvr certs python-wrapper /usr/bin/python3 --at /usr/local/bin/tcpython`)

	words := slices.Sorted(func(yield func(string) bool) {
		for w := range verbs {
			if w != "unenroll" && w != "keychain init" && !yield(w) {
				return
			}
		}
	})
	words = append(words, "keychain init") // last: what was sealed is given up
	var script strings.Builder
	for i, w := range words {
		// Long enough for what waits for a network, short enough for what never ends.
		fmt.Fprintf(&script, "timeout -k 5 40 tcenvsvr %s </dev/null >/tmp/out.%d 2>&1; echo \"$? %s\"\n", verbs[w], i, w)
	}
	every := strings.ReplaceAll(strings.ReplaceAll(script.String(), "40 tcenvsvr run ", "2 tcenvsvr run "), "40 tcenvsvr launch ", "2 tcenvsvr launch ")

	before := s.outside()
	for name, trap := range traps {
		t.Run(name, func(t *testing.T) {
			s := s.as(t)
			s.Run("sh", "-c", "rm -rf /tmp/ran; find "+state+" -mindepth 1 -delete && cp -a /root/pristine/. "+state)
			s.Run("runuser", "-u", "threatconnect", "--", "sh", "-c", "cd "+state+" && "+trap)
			out := s.Run("sh", "-c", every)
			for line := range strings.Lines(out) {
				code, verb, _ := strings.Cut(strings.TrimSpace(line), " ")
				if (code == "124" || code == "137") && verb != "run" && verb != "launch" {
					t.Errorf("%q never ended", verb)
				}
			}
			if name == "nothing" {
				s.work(out)
			}
			if ran, err := os.ReadFile(s.Path("/tmp/ran")); err == nil && slices.Contains(strings.Fields(string(ran)), "0") {
				t.Error("a program that the settings name ran as root")
			}
			if leak := s.Run("sh", "-c", "cat /root/made/*.tar.gz 2>/dev/null | tar xzf - -O -i 2>/dev/null | grep -c 'root:[$*!]' || :; rm -f /root/made/*"); strings.TrimSpace(leak) != "0" {
				t.Errorf("the support bundle has lines of the shadow file: %s", leak)
			}
			if after := s.outside(); after != before {
				t.Errorf("outside of the home something changed:\n%s", different(before, after))
			}
			if t.Failed() {
				t.Logf("exit codes:\n%s%s", out, s.Run("sh", "-c", "tail -n 3 /tmp/out.*"))
			}
		})
	}

	t.Run("what root types leads into the agent's folders", func(t *testing.T) {
		s := s.as(t)
		s.Run("sh", "-c", "rm -rf /tmp/ran; find "+state+" -mindepth 1 -delete && cp -a /root/pristine/. "+state+" && install -d -o threatconnect /srv/theirs && (umask 077; echo "+marker+" >/root/secret)")
		defer s.Run("rm", "-rf", "/srv/theirs", "/root/secret")
		s.Run("runuser", "-u", "threatconnect", "--", "sh", "-c", "cd "+state+` && mkdir -p python/bin wheels man && ln -s /root/folder link && ln -s /root/folder /srv/theirs/home && ln -s /root/victim man/tcenvsvr.1 &&
			printf '#!/bin/sh\nid -u >>/tmp/ran\necho version 3.11\n' >python/bin/python3.11 && chmod 755 python/bin/python3.11 && tar czf python.tgz python && touch wheels/x.whl &&
			mkdir -p java/bin updates && cp python/bin/python3.11 java/bin/java && tar czf java.tgz java && ln -s /root/secret secret && ln -s /root/folder updates/metadata && mkfifo pipe && truncate -s 100G endless`)
		before := s.outside()
		for _, line := range []string{
			"certs export link", "certs export link/new", "man man", "man link",
			"setup python --from python", "setup python --from python.tgz", "setup python --wheels wheels", "setup python --from python --wheels wheels",
			"--home /srv/theirs/home host apply", "--home /srv/theirs/new host apply",
			"setup java --from java", "setup java --from java.tgz", "setup java --from secret", "setup python --from pipe", "setup python --from endless",
			"app new link/app", "app new apps", "app check secret", "app check pipe", "app check endless", "app check link",
			"app run secret", "app run endless", "app run /share/noop.tcx --job-state secret", "app run /share/noop.tcx --job-state link/state", "app run /share/noop.tcx --out link/out",
			"app run /share/noop.tcx --param-file secret", "app run /share/noop.tcx --param owner=@secret", "app run /share/noop.tcx --kv-file secret", "app run /share/noop.tcx --variable TC/1=@secret",
			"app run /share/noop.tcx --platform https://cloud.example.com --platform-credentials secret", "app run /share/noop.tcx --platform https://cloud.example.com --platform-ca endless",
			"support-bundle -o link/bundle.tar.gz", "support-bundle -o secret", "support-bundle -o pipe",
			"certs add secret", "certs add pipe", "certs add endless", "certs add link", "certs check cloud.example.com:443 --proxy http://secret@127.0.0.1:1",
			"policy show --policy secret", "policy show --policy pipe", "policy show --policy endless", "policy check secret --policy secret", "policy check endless",
			"update import updates", "update import secret", "update import endless", "update import pipe", "enroll secret --yes", "enroll pipe --yes", "enroll endless --yes",
			"enroll --keystore endless --keystore-password-file secret --yes", "verify --master-key-file secret", "keychain unlock --master-key-file secret",
			"keychain change-password --master-key-file secret --new-master-key-file secret", "settings set proxyPassword=@secret", "settings set proxyPassword=@endless", "configure --set proxyPassword=@pipe",
		} {
			out, _ := s.Try("sh", "-c", "cd "+state+" && timeout -k 5 40 tcenvsvr "+line+" </dev/null; code=$?; if [ $code = 124 ] || [ $code = 137 ]; then echo NEVER; fi; exit $code")
			if strings.Contains(out, "NEVER") || strings.Contains(out, marker) {
				t.Errorf("%s: it never ended, or says what root alone may read: %s", line, out)
			}
			if after := s.outside(); after != before {
				t.Errorf("%s: outside of the home something changed:\n%s", line, different(before, after))
				before = after
			}
			if ran, err := os.ReadFile(s.Path("/tmp/ran")); err == nil && slices.Contains(strings.Fields(string(ran)), "0") {
				t.Errorf("%s: the agent's program ran as root", line)
			}
			s.Run("rm", "-f", "/tmp/ran")
			if leak, err := s.Try("grep", "-rlsF", "--devices=skip", "--exclude=endless", marker, state, "/srv/theirs", "/tmp", "/var/tmp"); err == nil {
				t.Errorf("%s: what root alone may read is in %s", line, leak)
			}
		}
	})

	t.Run("a race", func(t *testing.T) {
		s := s.as(t)
		s.Run("sh", "-c", "find "+state+" -mindepth 1 -delete && cp -a /root/pristine/. "+state)
		// The agent's user exchanges folder and link all the time while root works.
		s.Write("/share/race.py", race, 0o644)
		s.Run("sh", "-c", `runuser -u threatconnect -- python3 /share/race.py `+state+` & race=$!; while kill -0 $race 2>/dev/null; do
			tcenvsvr settings set drainSeconds=33; tcenvsvr certs build; tcenvsvr host apply; tcenvsvr keychain status
			rpm -U --force --nosignature /share/repo/`+rpmName(older)+` >>/tmp/rpm.said 2>&1 || touch /tmp/rpm.failed; done >/dev/null 2>&1; true`)
		if _, err := s.Try("test", "-e", "/tmp/rpm.failed"); err == nil {
			t.Errorf("the agent's user keeps the package from being installed: %s", s.Run("tail", "/tmp/rpm.said"))
		}
		if after := s.outside(); after != before {
			t.Errorf("outside of the home something changed:\n%s", different(before, after))
		}
	})

	t.Run("unenroll", func(t *testing.T) { // alone: it ends the server
		s := s.as(t)
		for name, trap := range traps {
			s.Run("sh", "-c", "find "+state+" -mindepth 1 -delete && cp -a /root/pristine/. "+state)
			s.Run("runuser", "-u", "threatconnect", "--", "sh", "-c", "cd "+state+" && "+trap)
			out, err := s.Try("timeout", "-k", "5", "40", "tcenvsvr", "unenroll", "--yes", "--master-key-file", masterKey)
			if name == "nothing" && err != nil {
				t.Errorf("%v: %s", err, out)
			}
			if after := s.outside(); after != before {
				t.Errorf("%s: outside of the home something changed:\n%s", name, different(before, after))
			}
		}
	})

	t.Run("the agent starts again", func(t *testing.T) {
		s := s.as(t)
		s.Run("sh", "-c", "find "+state+" -mindepth 1 -delete && cp -a /root/pristine/. "+state+
			" && chmod 640 "+state+"/keystore.p12 && chown root "+state+"/keychain.json && chmod 000 "+state+"/settings.yaml")
		s.Run("tcenvsvr", "host", "apply")
		_, err := s.cloud.Do(s.ctx, "bundle", "lab", "--name", "two", "-o", s.Share+"/second.zip")
		must(t, err, "downloading a bundle of another server")
		s.Run("tcenvsvr", "enroll", "/share/second.zip", "--yes", "--replace", "--master-key-file", masterKey)
		s.Run("systemctl", "start", unit)
		s.connected()
		s.app("partial", "Test_-_Job", "owner=me")
	})
}

// marker is in a file that root alone may read.
const marker = "quetzalcoatlus"

// race exchanges folders and a file of the agent's with links, for ten seconds.
const race = `
import os, sys, time
os.chdir(sys.argv[1])
names = ("logs", "certs", "inbox", "exchange", "settings.yaml")
for name in names:
    os.symlink("/root/victim" if name == "settings.yaml" else "/root/folder", name + ".link")
end = time.monotonic() + 10
while time.monotonic() < end:
    for real in names:
        link = real + ".link"
        try:
            os.rename(real, "aside")
            os.rename(link, real)
            os.rename(real, link)
            os.rename("aside", real)
        except OSError:
            for a, b in ((real, link), ("aside", real)):
                try:
                    os.rename(a, b)
                except OSError:
                    pass
`

// fail are verbs of the table that have a reason to fail on a home that is well: the agent does not
// run, the machine has no public CAs, the argument is none.
var fail = []string{
	"keychain rotate", "keychain unlock", "log level", "service status", "status", "update apply", "update check",
	"certs build", "certs python-wrapper",
	"certs remove", "launch", "slot ended", "update import", "update rollback",
	"run",     // it is ended
	"app new", // there is a folder of that name
}

// work checks the exit codes on a home that is well: root's commands do what they are for.
func (s *site) work(codes string) {
	s.t.Helper()
	for line := range strings.Lines(codes) {
		code, verb, _ := strings.Cut(strings.TrimSpace(line), " ")
		if (code != "0") != slices.Contains(fail, verb) {
			s.t.Errorf("%q ended with %s on a home that is well", verb, code)
		}
	}
}

// everyVerb compares the table with what the program offers.
func (s *site) everyVerb() {
	s.t.Helper()
	text, err := os.ReadFile("../../cmd/tcenvsvr/doc.go")
	must(s.t, err, "reading the reference")
	for line := range strings.Lines(string(text)) {
		words, ok := strings.CutPrefix(strings.TrimSpace(line), "// # ")
		if _, tried := verbs[words]; ok && !tried && !slices.Contains(untried, words) {
			s.t.Errorf("nobody tries %q as root on a hostile home: add it to the table", words)
		}
	}
}

// outside is what root's commands must leave alone: owner, mode and content of every file outside
// of the agent's folder, but for what systemd, the updater's state and the commands themselves are
// there to change.
func (s *site) outside() string {
	s.t.Helper()
	return s.Run("sh", "-c", `find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/tmp -o -path /var/log -o -path /var/cache -o -path /share `+
		`-o -path '/var/lib/systemd*' -o -path '/var/lib/threatconnect-envsvr-updater/*' -o -path '`+state+`/*' -o -path /root/pristine -o -path '/root/made' -o -path /root/man -o -path /root/exported `+
		`-o -path /etc/ssl/certs -o -path /usr/local/share/ca-certificates -o -name __pycache__ \) -prune -o -printf '%p %U:%G %m %y %l\n' | sort
		find /etc /root /usr/local /opt/threatconnect-envsvr -xdev \( -path '`+state+`' -o -path /root/pristine -o -path /root/made -o -path /root/man -o -path /root/exported -o -path /etc/ssl/certs -o -path /usr/local/share/ca-certificates -o -name __pycache__ \) -prune -o -type f -exec sha256sum {} + | sort`)
}

// different are the lines that one text has and the other lacks.
func different(before, after string) string {
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	var b strings.Builder
	for _, line := range was {
		if _, there := slices.BinarySearch(is, line); !there && !slices.Contains(is, line) {
			b.WriteString("- " + line + "\n")
		}
	}
	for _, line := range is {
		if _, there := slices.BinarySearch(was, line); !there && !slices.Contains(was, line) {
			b.WriteString("+ " + line + "\n")
		}
	}
	return b.String()
}
