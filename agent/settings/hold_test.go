//go:build unix

package settings

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"tcenvsvr/test/need"
)

// childVar makes this program another process that changes settings: the file, and then a number of
// changes.
const childVar = "SETTINGS_CHILD"

// A child that strace kills at the nth call of a thread makes all its calls in one.
func init() {
	if os.Getenv(childVar) != "" {
		runtime.LockOSThread()
	}
}

func TestMain(m *testing.M) {
	if file := os.Getenv(childVar); file != "" {
		os.Exit(child(file))
	}
	os.Exit(m.Run())
}

// child counts one setting up, as two commands at once would.
func child(file string) int {
	name, changes := os.Getenv(childVar+"_NAME"), 20
	if name == "" {
		changes, name = 1, "serverName"
	}
	for n := range changes {
		if err := Set(file, map[string]string{name: fmt.Sprint("v", n)}, nil); err != nil {
			fmt.Println(err)
			return 1
		}
		if s, _, err := Load(Options{File: file}); err != nil || s.Text(name) != fmt.Sprint("v", n) {
			fmt.Printf("%s is %q after change %d: %v\n", name, s.Text(name), n, err)
			return 1
		}
	}
	return 0
}

func startChild(file string, before ...string) *exec.Cmd {
	argv := append(before, os.Args[0])
	c := exec.Command(argv[0], argv[1:]...)
	c.Env = append(os.Environ(), childVar+"="+file)
	return c
}

// A hostile or damaged file is refused by name, with what to do, and stays as it is.
func TestHostileFiles(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	for name, tc := range map[string]struct {
		text, want string
		mode       os.FileMode
	}{
		"empty":          {"", "is empty", 0o600},
		"blank":          {"\n \n", "is empty", 0o600},
		"torn":           {"brokerHost: \"a.exam", "is not a list of settings", 0o600},
		"huge":           {strings.Repeat("# filler\n", maxFile/9+1), "has more than 1048576 bytes, which settings do not take\nhint: restore it from a backup", 0o600},
		"binary":         {"\x7fELF\x02\x01\x01\x00\x00", "is not a text", 0o600},
		"not UTF-8":      {"serverName: \"\xff\xfe\"\n", "is not a list of settings", 0o600},
		"bomb":           {bomb, "", 0o600},
		"anchor":         {"serverName: &x one\nproxyUsername: *y\n", "is not a list of settings", 0o600},
		"twice":          {"serverName: a\nserverName: b\n", "has in line 2 a setting that line 1 has", 0o600},
		"twice by case":  {"serverName: a\nservername: b\n", `setting "serverName" stands twice`, 0o600},
		"two documents":  {"serverName: a\n---\nserverName: b\n", "it has several YAML documents\nhint: join them into one", 0o600},
		"a list":         {"- serverName: a\n", "\nhint: mend that line, or restore it from a backup", 0o600},
		"world-readable": {"brokerToken: hunter2\n", "every user of this host may read it (mode 0644)", 0o644},
		"group-writable": {"serverName: a\n", "may be changed by other users of this host (mode 0660)", 0o660},
	} {
		t.Run(name, func(t *testing.T) {
			file := write1(t, tc.text)
			if err := os.Chmod(file, tc.mode); err != nil {
				t.Fatal(err)
			}
			_, _, err := Load(Options{File: file})
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), file) {
				t.Errorf("Load: got %v, want %q and the file's name", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells a secret: %v", err)
			}
			if err := Set(file, map[string]string{"proxyUsername": "u"}, nil); err == nil {
				t.Error("Set changed a file that Load refuses")
			}
			if text, err := os.ReadFile(file); err != nil || string(text) != tc.text {
				t.Errorf("the file was changed: %v", err)
			}
		})
	}
}

// What is no file of its own is neither followed nor waited for.
func TestWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "shadow")
	for name, make := range map[string]func(path string) error{
		"is a symbolic link": func(path string) error {
			return errors.Join(os.WriteFile(secret, []byte("root:hash"), 0o600), os.Symlink(secret, path))
		},
		"is not a regular file": func(path string) error { return syscall.Mkfifo(path, 0o600) },
	} {
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		_, _, err := Load(Options{File: path})
		if e, ok := errors.AsType[*FileError](err); !ok || e.Problem != name || e.Try == "" || strings.Contains(err.Error(), "hash") {
			t.Errorf("Load: got %v, want that it %s", err, name)
		}
		if err := Set(path, map[string]string{"serverName": "a"}, nil); err == nil {
			t.Errorf("Set of what %s: got no error", name)
		}
	}
	if text, err := os.ReadFile(secret); err != nil || string(text) != "root:hash" {
		t.Errorf("what the link led to is %q, %v", text, err)
	}
}

// Another user gets an error that says it is a matter of permission.
func TestUnreadable(t *testing.T) {
	need.Root(t)
	setpriv := need.Tool(t, "setpriv")
	dir, err := os.MkdirTemp("", "settings") // open to others, unlike t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	file, exe := filepath.Join(dir, "settings.yaml"), filepath.Join(dir, "child")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(file, []byte("serverName: old\n"), 0o600), os.WriteFile(exe, program, 0o755),
		os.WriteFile(file+".lock", nil, 0o666), os.Chmod(file+".lock", 0o666)); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(setpriv, "--reuid", "65534", "--regid", "65534", "--clear-groups", exe)
	c.Env = append(os.Environ(), childVar+"="+file)
	if out, err := c.CombinedOutput(); err == nil || !strings.Contains(string(out), "reading settings: open "+file+": permission denied") {
		t.Errorf("got %v and %s", err, out)
	}
	if text, _ := os.ReadFile(file); string(text) != "serverName: old\n" {
		t.Errorf("the file says %q", text)
	}
}

// Without the keychain sealed secrets are there, and nobody has them.
func TestSealedWithoutKeychain(t *testing.T) {
	file := write1(t, "brokerToken: ENC[AAAA]\nserverName: a\n")
	s, _, err := Load(Options{File: file})
	if err != nil || !s.BrokerToken.Sealed() || s.BrokerToken.Empty() || s.BrokerToken.Reveal() != "" || s.Text("brokerToken") != sealedShown {
		t.Errorf("got %v, %q", err, s.Text("brokerToken"))
	}
	if err := Set(file, map[string]string{"serverName": "b"}, nil); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(file); !strings.Contains(string(text), "ENC[AAAA]") {
		t.Errorf("a change of another setting lost the secret:\n%s", text)
	}
	broken := errors.New("damaged")
	_, _, err = Load(Options{File: file, Unseal: func(string, string) (string, error) { return "", broken }})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), `opening setting "brokerToken"`) {
		t.Errorf("a secret that does not open: got %v", err)
	}
}

// Processes that change different settings of one file lose nothing.
func TestProcessesTakeTurns(t *testing.T) {
	file := write1(t, "proxyHost: p\n")
	names := []string{"serverName", "environment", "proxyUsername"}
	var children []*exec.Cmd
	for _, name := range names {
		c := startChild(file)
		c.Env = append(c.Env, childVar+"_NAME="+name)
		c.Stdout = t.Output()
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		children = append(children, c)
	}
	for i, c := range children {
		if err := c.Wait(); err != nil {
			t.Errorf("changing %s: %v", names[i], err)
		}
	}
	s, _, err := Load(Options{File: file})
	if err != nil || s.ServerName != "v19" || s.Environment != "v19" || s.ProxyUsername != "v19" || s.ProxyHost != "p" {
		t.Errorf("got %q, %q, %q, %q, %v", s.ServerName, s.Environment, s.ProxyUsername, s.ProxyHost, err)
	}
}
