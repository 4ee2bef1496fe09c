package svc

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tcenvsvr/packaging/service"
)

var elsewhere = Spec{Program: "/srv/bin/tcenvsvr", Home: "/srv/envsvr", User: "worker"}

// Nothing of the default installation is left in a text for another one.
func TestTextsAreForThisInstallation(t *testing.T) {
	for name, text := range map[string]string{
		"systemd": elsewhere.Unit(), "sysv": elsewhere.script(service.SysV), "openrc": elsewhere.script(service.OpenRC), "launchd": elsewhere.plist(),
	} {
		for line := range strings.Lines(text) {
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			for _, old := range []string{defaultHome, defaultProgram, "=threatconnect\n", ">threatconnect</string>\n\t<key>RunAtLoad"} {
				if strings.Contains(line, old) {
					t.Errorf("%s: %q is left", name, line)
				}
			}
		}
		for _, want := range []string{elsewhere.Program, elsewhere.Home, elsewhere.User} {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
		if strings.Contains(text, "{{") {
			t.Errorf("%s means something to kardianos' templates", name)
		}
	}
	if !strings.Contains(service.SysV, "\n# chkconfig: 2345 ") {
		t.Error("chkconfig does not find its header")
	}
}

func TestUnitKeepsItsPromises(t *testing.T) {
	unit := elsewhere.Unit()
	for _, want := range []string{
		"Type=notify\n", "ExecStart=/srv/bin/tcenvsvr run\n", "User=worker\n", "KillMode=process\n", "OOMPolicy=continue\n",
		"WatchdogSec=", "SuccessExitStatus=75\n", "RestartForceExitStatus=75\n", "ReadWritePaths=-/srv/envsvr/.tcenvsvr", "ProtectHome=yes\n",
	} {
		if !strings.Contains(unit, want) {
			t.Errorf("the unit lacks %q", want)
		}
	}
	if strings.Contains(Spec{Program: "/home/me/tcenvsvr", Home: "/srv", User: "me"}.Unit(), "ProtectHome") {
		t.Error("the unit hides its own program")
	}
}

func TestPlistIsXML(t *testing.T) {
	for d := xml.NewDecoder(strings.NewReader(elsewhere.plist())); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestScriptsParse(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("needs a shell")
	}
	for name, text := range map[string]string{"sysv": elsewhere.script(service.SysV), "openrc": elsewhere.script(service.OpenRC)} {
		c := exec.Command(sh, "-n")
		c.Stdin = strings.NewReader(text)
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}

func TestNamesThatWouldNeedQuotingAreRefused(t *testing.T) {
	for _, bad := range []Spec{
		{"/srv/my bin/tcenvsvr", "/srv", "u"}, {"/srv/tcenvsvr", "/srv/%h", "u"}, {"/srv/tcenvsvr", "/srv/$(id)", "u"},
		{"/srv/tcenvsvr", "/srv", "u\nUser=root"}, {"/srv/tcenvsvr", "/srv/{{Path}}", "u"},
	} {
		if err := bad.check(); err == nil || !strings.Contains(err.Error(), "has characters that service managers interpret; want letters, digits and /._+@-") {
			t.Errorf("%+v: got %v", bad, err)
		}
	}
	if err := elsewhere.check(); err != nil {
		t.Error(err)
	}
}

// Run ends when the agent ends by itself, with its error; and Stop drains.
func TestRun(t *testing.T) {
	boom := errors.New("boom")
	if err := Run(make(chan os.Signal, 2), func() error { return boom }); !errors.Is(err, boom) {
		t.Errorf("Run = %v; want boom", err)
	}
	signals := make(chan os.Signal, 2)
	p := &program{signals: signals, done: make(chan struct{}), run: func() error { <-signals; return boom }}
	if err := p.Start(nil); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- p.Stop(nil) }()
	select {
	case err := <-stopped:
		if !errors.Is(err, boom) {
			t.Errorf("Stop = %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Stop does not end")
	}
}
