package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// sharedMain tells whether the JVM took its classes, one of the App and one of the JDK that no default
// archive has, from an archive, and what it was started with.
const sharedMain = `package tc.test;
import java.io.*;
import java.lang.management.ManagementFactory;
import java.nio.file.*;
import java.util.*;
public final class Main {
    public static void main(String[] args) throws Exception {
        String archive = "none";
        for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            if (option.startsWith("-XX:SharedArchiveFile=")) {
                archive = option.substring(option.indexOf('=') + 1);
            }
        }
        boolean mapped = false;
        for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
            mapped |= line.endsWith(archive);
        }
        String change = "refused";
        archive = archive.equals("none") ? "/none/none" : archive;
        if (Files.isWritable(Path.of(archive)) || Files.isWritable(Path.of(archive).getParent())) {
            change = "possible";
        }
        String list = System.getProperty("url", "");
        if (!list.isEmpty()) {
            Path file = Path.of(System.getProperty("tc_in_path"), ".tc_classes");
            Files.deleteIfExists(file);
            if (list.equals("link")) {
                Files.createSymbolicLink(file, Path.of("/etc/passwd"));
            } else if (list.equals("garbage")) {
                Files.writeString(file, "@lambda-proxy tc/test/Evil run ()V\n".repeat(200) + "../../etc/passwd\n".repeat(200));
            }
        }
        Files.writeString(Path.of(System.getProperty("tc_out_path"), "message.tc"),
                "archive=" + archive.replace("/none/", "") + " mapped=" + mapped + " change=" + change + "\n");
        Runtime.getRuntime().halt(0);
    }
}
`

// sharedApp adds a Java App with sharedMain to a cloud and returns its name.
func (s *scene) sharedApp(c *stage.Cloud, version string) string {
	s.t.Helper()
	files, err := apps.Files("java-cli")
	s.must(err, "reading a Java App")
	compiled, err := apps.Compile(map[string][]byte{"src/tc/test/Main.java": []byte(sharedMain)})
	s.must(err, "compiling a Java App")
	for name, data := range compiled {
		files[name] = data
	}
	var m map[string]any
	s.must(json.Unmarshal(files["install.json"], &m), "reading install.json")
	m["programVersion"] = version
	if files["install.json"], err = json.Marshal(m); err != nil {
		s.t.Fatal(err)
	}
	_, err = c.Do(s.ctx, "app", "add", s.packed("shared-"+version, files))
	s.must(err, "adding a Java App")
	return "Test_-_shared-" + version
}

// archives waits until the archives of an agent are as f wants them.
func (s *scene) archives(a *stage.Agent, doing string, f func(stage.Status) bool) stage.Status {
	s.t.Helper()
	var now stage.Status
	s.eventually(doing, func() error {
		var err error
		if now, err = a.Status(s.ctx); err == nil && !f(now) {
			err = fmt.Errorf("there is %+v", now.Archives)
		}
		return err
	})
	return now
}

// TestClassArchive: the first run of a Java App has an archive of its classes made, the second one
// maps it; a damaged one, and one of another JDK, are replaced; a killed agent heals.
func TestClassArchive(t *testing.T) {
	need.Java(t)
	s := newScene(t)
	c := s.cloud("lab")
	app := s.sharedApp(c, "1.0.0")
	home := s.likeJDK()
	flags := []string{"--appsRunner", "none", "--appsIsolation", "auto", "--appsJavaHome", home}
	a := s.agent(c, "lab", "one", flags...)
	one := func(now stage.Status) bool { return now.Archives.Count == 1 && now.Archives.Pending == 0 }
	run := func(want string, params ...string) {
		t.Helper()
		x := s.runToEnd(c, app, params...)
		if x.State != wire.State(wire.Succeeded) || !strings.Contains(x.Message, want) {
			t.Errorf("got %+v, want %q", x, want)
		}
		for _, stream := range []string{"stdout", "stderr"} {
			if text, err := c.Do(s.ctx, "execution", "logs", x.ID, "--stream", stream); err != nil || strings.Contains(text, "cds") {
				t.Errorf("%s of the App: %q, %v", stream, text, err)
			}
		}
	}
	run("archive=none")
	s.archives(a, "waiting for an archive", one)
	files, err := filepath.Glob(filepath.Join(s.paths(a).Programs, ".archives", "*.jsa"))
	if err != nil || len(files) != 1 {
		t.Fatalf("there is %q, %v", files, err)
	}
	file := files[0]
	with := "archive=" + file + " mapped=true change=refused"
	run(with)

	_, err = s.tcenvsvr(a, "settings", "set", "appsJavaArchives=off")
	s.must(err, "turning archives off")
	run("archive=none")
	_, err = s.tcenvsvr(a, "settings", "set", "appsJavaArchives=auto")
	s.must(err, "turning archives on")

	// The next agent uses it, too.
	a.Kill()
	s.start(a, flags...)
	run(with)

	// One that was shortened would crash the JVM.
	s.must(os.Chmod(file, 0o644), "opening the archive")
	s.must(os.Truncate(file, 3<<20), "damaging the archive")
	run("archive=none")
	s.archives(a, "waiting for a new archive", one)
	run(with)

	// An update of the JDK.
	release := filepath.Join(home, "release")
	text, err := os.ReadFile(release)
	s.must(errors.Join(err, os.WriteFile(release, append(text, "UPDATED=\"yes\"\n"...), 0o644)), "updating the JDK")
	run("archive=none")
	s.eventually("waiting for the archive of the new JDK", func() error { return loggedTimes(a, "class-data archive made", 3) })
	run(with)
}

// TestClassArchiveOfTheSandboxUser: what is made as the sandbox user, in isolation, is the agent's and
// cannot be changed by Apps; what an App writes in place of its list gives it nothing.
func TestClassArchiveOfTheSandboxUser(t *testing.T) {
	need.Java(t)
	user := need.OtherUser(t)
	need.Tool(t, "sudo")
	s := newScene(t)
	c := s.cloud("lab")
	app, liar := s.sharedApp(c, "1.0.0"), s.sharedApp(c, "2.0.0")
	a := s.agent(c, "lab", "one", "--appsIsolation", "required", "--appsSandboxUser", user.Username)
	for n, list := range []string{"garbage", "link"} { // its failure is told once, whichever it is
		if x := s.runToEnd(c, liar, "--param", "url="+list); !strings.Contains(x.Message, "archive=none") {
			t.Errorf("run %d with %s: %+v", n, list, x)
		}
		s.archives(a, "waiting for the refusal of a list", func(now stage.Status) bool {
			return now.Archives.Count == 0 && now.Archives.Pending == 0 && len(now.Archives.Problems) == 1
		})
	}
	s.prints(a, "status", "there is no class-data archive of Test_-_shared-2.0.0_v2/", "left no list of classes")
	if x := s.runToEnd(c, app); !strings.Contains(x.Message, "archive=none") {
		t.Errorf("the first run: %+v", x)
	}
	s.archives(a, "waiting for an archive", func(now stage.Status) bool { return now.Archives.Count == 1 })
	if x := s.runToEnd(c, app); !strings.Contains(x.Message, "mapped=true change=refused") {
		t.Errorf("the second run: %+v", x)
	}
	s.prints(a, "status", "1 Apps have class-data archives")
}

// loggedTimes reports whether an agent's log has a text n times.
func loggedTimes(a *stage.Agent, text string, n int) error {
	log, err := os.ReadFile(a.Home + ".log")
	if got := strings.Count(string(log), text); err == nil && got < n {
		err = fmt.Errorf("the log has %q %d times:\n%s", text, got, log)
	}
	return err
}

// likeJDK is a JDK whose identity a test can change: it is the host's but for java itself and the file
// release.
func (s *scene) likeJDK() string {
	s.t.Helper()
	java, _ := need.Java(s.t)
	java, err := filepath.EvalSymlinks(java)
	s.must(err, "finding the JDK")
	home, real := filepath.Join(s.Dir, "jdk"), filepath.Dir(filepath.Dir(java))
	s.must(os.MkdirAll(filepath.Join(home, "bin"), 0o755), "making a JDK")
	for _, name := range []string{"lib", "conf"} {
		s.must(os.Symlink(filepath.Join(real, name), filepath.Join(home, name)), "making a JDK")
	}
	for name, mode := range map[string]os.FileMode{"bin/java": 0o755, "release": 0o644} {
		data, err := os.ReadFile(filepath.Join(real, name))
		s.must(errors.Join(err, os.WriteFile(filepath.Join(home, name), data, mode)), "making a JDK")
	}
	return home
}
