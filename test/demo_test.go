package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/test/browser"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// TestDemo: the one command, as somebody who is not root, and the link that it opens in a browser. With
// CONSOLE_PICTURE=$PWD/cmd/tccloud/console.png it makes the picture of the console that the README shows.
func TestDemo(t *testing.T) {
	need.Python(t)
	need.Java(t)
	s := newScene(t)
	// In place of a browser a program that keeps what it was given.
	bin, opened := filepath.Join(s.Dir, "bin"), filepath.Join(s.Dir, "opened")
	s.must(os.Mkdir(bin, 0o755), "making a folder")
	s.must(os.Mkdir(opened, 0o777), "making a folder")
	s.must(os.Chmod(opened, 0o777), "opening it for another user")
	s.must(os.WriteFile(filepath.Join(bin, "xdg-open"), []byte("#!/bin/sh\ncp \"$1\" "+opened+"/.page && mv "+opened+"/.page "+opened+"/page\n"), 0o755), "placing xdg-open")
	args := []string{s.CloudBin, "demo", "--open", "--agent", s.AgentBin}
	env := append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	if os.Geteuid() == 0 {
		need.Tool(t, "sudo")
		user := need.OtherUser(t)
		args = append([]string{"sudo", "-n", "-u", user.Username, "env", "PATH=" + bin + ":/usr/bin:/bin", "HOME=/tmp"}, args...)
	}
	log := filepath.Join(s.Dir, "demo.log")
	p, err := stage.Start(log, env, args[0], args[1:]...)
	s.must(err, "starting the demo")
	page, out := []byte(nil), []byte(nil)
	s.eventually("waiting for the console to be opened", func() error {
		out, _ = os.ReadFile(log)
		select {
		case <-p.Done():
			t.Fatalf("the demo has ended:\n%s", out)
		default:
		}
		page, err = os.ReadFile(filepath.Join(opened, "page"))
		return err
	})
	if strings.Count(string(out), "succeeded ") != 5 || !strings.Contains(string(out), "the job did not notice") ||
		!strings.Contains(string(out), "all right: 2 Apps over 2 transports, and a self-update") {
		t.Errorf("demo:\n%s", out)
	}
	_, link, _ := strings.Cut(string(page), "url=")
	link, _, _ = strings.Cut(link, "\"")
	if !strings.Contains(string(out), "  "+link+"\n") {
		t.Errorf("it opened %q, and says\n%s", link, out)
	}
	lookAround(t, link)
	if code := p.Stop(time.Minute); code != 0 {
		t.Errorf("after TERM: exit code %d", code)
	}
}

// lookAround opens the link of a demo, and looks at its servers.
func lookAround(t *testing.T, link string) {
	t.Helper()
	b := browser.Open(t)
	b.Size(1200, 560)
	b.Visit(link)
	send(b, "form")
	at, _, _ := strings.Cut(link, "link/")
	b.Visit(at + "servers")
	b.Until(`[...document.querySelectorAll("tbody tr[data-state=green]")].filter(row => row.innerText.includes("GiB")).length == 3`, time.Minute)
	b.Visit(at + "environments/demo")
	b.Until(`document.body.innerText.includes("Active, 3 servers connected")`, time.Minute)
	if picture := os.Getenv("CONSOLE_PICTURE"); picture != "" {
		b.Picture(picture)
	}
	b.Visit("about:blank") // no page misses the cloud
}

// TestDemoSaysWhatIsMissing: on a host without Java, in one clear line.
func TestDemoSaysWhatIsMissing(t *testing.T) {
	python := need.Python(t)
	s := newScene(t)
	bin := filepath.Join(s.Dir, "only-python")
	s.must(os.Mkdir(bin, 0o755), "making a folder")
	s.must(os.Symlink(python, filepath.Join(bin, "python3")), "placing Python")
	cmd := exec.CommandContext(s.ctx, s.CloudBin, "demo", "--once", "--agent", s.AgentBin)
	cmd.Env = []string{"PATH=" + bin, "HOME=" + s.Dir}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), `the demo needs Java: "java" is not installed`) {
		t.Errorf("demo without Java: %v\n%s", err, out)
	}
}
