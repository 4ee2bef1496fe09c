package test

import (
	"bufio"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/job"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
	"tcenvsvr/test/readme"
)

// TestREADMEsRun types the commands of documents as they are written, each document in a new folder,
// a new home and one shell, with a network, a /var/lib and a /usr/local/bin of its own.
func TestREADMEsRun(t *testing.T) {
	need.Root(t)
	need.Python(t)
	need.Tool(t, "bash")
	need.Tool(t, "unshare")
	need.Tool(t, "ip")
	s := newScene(t)
	programs := filepath.Join(s.Dir, "programs")
	s.must(os.Mkdir(programs, 0o755), "making a folder")
	for name, file := range map[string]string{
		"tcenvsvr": s.AgentBin, "tccloud": s.CloudBin, job.ShimName: filepath.Join(filepath.Dir(s.AgentBin), job.ShimName),
	} {
		s.must(os.Symlink(file, filepath.Join(programs, name)), "placing a program")
	}
	source, err := filepath.Abs("..")
	s.must(err, "looking for the source")
	for _, document := range readme.OnDesk {
		t.Run(document, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", document))
			s.must(err, "reading the document")
			folder := filepath.Join(s.Dir, strings.ReplaceAll(document, "/", "-"))
			s.hands(folder)
			sh := newShell(t, folder, "PATH="+programs+":"+os.Getenv("PATH"), "TCENVSVR_HOME="+filepath.Join(folder, "home"))
			for _, line := range readme.Commands(string(text)) {
				plan := readme.Plans[document][line]
				if plan.Not != "" {
					t.Logf("not run: %s: %s", line, plan.Not)
					continue
				}
				if plan.First != "" {
					sh.must(plan.First)
				}
				if plan.Built {
					sh.must("cd " + source)
				}
				out, code := sh.run(line, plan.Input)
				if plan.Built {
					sh.must("cd " + folder)
				}
				if code != plan.Exit || !strings.Contains(out, plan.Says) {
					t.Fatalf("%s: exit code %d, want %d and %q:\n%s", line, code, plan.Exit, plan.Says, out)
				}
				t.Logf("%s:\n%s", line, out)
			}
		})
	}
}

// hands puts what a reader has into a folder.
func (s *scene) hands(folder string) {
	s.t.Helper()
	s.must(os.MkdirAll(filepath.Join(folder, "home", ".tcenvsvr"), 0o755), "making a folder")
	s.must(apps.Pack(filepath.Join(folder, "my_app.tcx"), map[string][]byte{
		"run.py": []byte("print('ran')\n"),
		"install.json": []byte(`{"programName": "my_app", "programVersion": "1.0.0", "programLanguage": "PYTHON", "programMain": "run.py",
			"runtimeLevel": "Playbook", "params": [{"name": "password", "type": "String", "encrypt": true}]}`),
	}), "making an App")
	for file, app := range map[string][3]string{ // name, version, runtime level
		"lookup.tcx": {"Lookup_API", "1.2.0", "ApiService"}, "lookup_2.tcx": {"Lookup_API", "1.3.0", "ApiService"},
		"watcher.tcx": {"Mail_Watcher", "1.0.0", "TriggerService"}, "enrich.tcx": {"Enrich_Alert", "1.0.0", "Playbook"},
	} {
		s.must(apps.Pack(filepath.Join(folder, file), map[string][]byte{
			"run.py": []byte("print('ran')\n"),
			"install.json": fmt.Appendf(nil, `{"programName": %q, "programVersion": %q, "programLanguage": "PYTHON", "programMain": "run.py", "runtimeLevel": %q,
				"params": [{"name": "who", "type": "String", "serviceConfig": true}, {"name": "folder", "type": "String"}]}`, app[0], app[1], app[2]),
		}), "making an App")
	}
	signed := certificate(s.t, nil, &x509.Certificate{Subject: pkix.Name{CommonName: "Readme CA"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign})
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed.Certificate[0]}))
	s.must(os.Mkdir(filepath.Join(folder, "old"), 0o755), "making a folder")
	for name, text := range map[string]string{
		"tcenvsvr": "a program of 1.4.2", "old/tcenvsvr": "a program of 1.4.1",
		"params.json": `{"who": "all of you"}`, "trigger.json": `{"folder": "in"}`, "FILE": "a secret of bob", "pw.txt": "a secret", "fullchain.pem": ca, "partner.p7b": ca,
	} {
		s.must(os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600), "placing a file")
	}
}

// lineLimit ends a line that hangs, on a busy machine too.
const lineLimit = 3 * time.Minute

// shell is a bash in which one line is typed after the other. What it leaves running ends with it.
type shell struct {
	t      *testing.T
	cmd    *exec.Cmd
	folder string
	keys   io.Writer
	screen *bufio.Reader
	lines  int
}

func newShell(t *testing.T, folder string, env ...string) *shell {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child",
		"bash", "-c", "ip link set lo up && mount -t proc none /proc && mount -t tmpfs none /var/lib && mkdir /var/lib/up /var/lib/work &&"+
			" mount -t overlay -o lowerdir=/usr/local/bin,upperdir=/var/lib/up,workdir=/var/lib/work none /usr/local/bin && exec bash")
	cmd.Dir, cmd.Env = folder, append(os.Environ(), env...)
	keys, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	screen, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = out.Close()
	t.Cleanup(func() {
		_ = keys.Close()
		_ = cmd.Wait()
		_ = screen.Close()
	})
	return &shell{t: t, cmd: cmd, folder: folder, keys: keys, screen: bufio.NewReader(screen)}
}

// must types a line that is not the document's.
func (sh *shell) must(line string) {
	sh.t.Helper()
	if out, code := sh.run(line, ""); code != 0 {
		sh.t.Fatalf("%s: exit code %d:\n%s", line, code, out)
	}
}

// run types a line and returns what came of it, and its exit code.
func (sh *shell) run(line, input string) (out string, code int) {
	sh.t.Helper()
	sh.lines++
	file := filepath.Join(sh.folder, ".input")
	if err := os.WriteFile(file, []byte(input), 0o600); err != nil {
		sh.t.Fatal(err)
	}
	end := fmt.Sprintf("<end of line %d>", sh.lines)
	late := time.AfterFunc(lineLimit, func() { _ = sh.cmd.Process.Kill() }) // ends the shell, and this line with it
	defer late.Stop()
	fmt.Fprintf(sh.keys, "{ %s\n} < %s; echo \"%s $?\"\n", line, file, end)
	for {
		text, err := sh.screen.ReadString('\n')
		if before, rest, found := strings.Cut(text, end); found {
			if code, err = strconv.Atoi(strings.TrimSpace(rest)); err == nil {
				return out + before, code
			}
		}
		out += text
		if err != nil {
			sh.t.Fatalf("%s: the shell ended (%v):\n%s", line, err, out)
		}
	}
}
