package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tcenvsvr/agent/app/api/upstream/upstreamtest"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/test/scripts"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tccloud": main, "agent": agent})
}

func TestScript(t *testing.T) {
	testscript.Run(t, params(t, testscript.Params{Dir: "testdata/script"}, "data"))
}

// params completes what the scripts of a test need; data is where their cloud keeps everything, below
// the script's folder or elsewhere.
func params(t *testing.T, p testscript.Params, data string) testscript.Params {
	platform, portal := upstreamtest.New(t), upstreamtest.New(t)
	portal.Before = func(w http.ResponseWriter, _ *http.Request) bool { // a page, as of a proxy that wants a login
		_, err := w.Write([]byte("<html>Welcome</html>"))
		return err == nil
	}
	p.RequireExplicitExec = true
	p.RequireUniqueNames = true
	p.UpdateScripts = os.Getenv("UPDATE") != ""
	p.Setup = func(e *testscript.Env) error {
		if !filepath.IsAbs(data) {
			e.Setenv("TCCLOUD_DATA", filepath.Join(e.WorkDir, data))
		} else {
			e.Setenv("TCCLOUD_DATA", data)
		}
		e.Setenv("HOME", e.WorkDir)
		platform.Files(e.WorkDir) // platform-ca.pem and platform-credentials
		e.Setenv("PLATFORM", platform.URL())
		e.Setenv("PORTAL", portal.URL())
		return os.WriteFile(filepath.Join(e.WorkDir, "portal-ca.pem"), portal.CA(), 0o644)
	}
	p.Cmds = map[string]func(*testscript.TestScript, bool, []string){
		"await": await, "ready": ready, "term": term, "exits": scripts.Exits, "mktcx": mktcx, "mkpackage": mkpackage, "nosecret": noSecret, "idof": idOf,
		"startnats": startNATS, "mkupdate": mkupdate,
	}
	return p
}

// timeout bounds waiting for what must come.
const timeout = 30 * time.Second

// idof NAME FILE: sets the variable to the id of the execution whose JSON is in the file.
func idOf(ts *testscript.TestScript, _ bool, args []string) {
	var x struct {
		ID string `json:"id"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &x))
	ts.Setenv(args[0], x.ID)
}

// await FILE: until the file is there.
func await(ts *testscript.TestScript, neg bool, args []string) {
	for deadline := time.Now().Add(timeout); ; time.Sleep(10 * time.Millisecond) {
		_, err := os.Stat(ts.MkAbs(args[0]))
		if (err != nil) == neg {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s: %v", args[0], err)
		}
	}
}

// ready DATA: until a cloud listens where its endpoint.json says.
func ready(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(timeout); ; time.Sleep(10 * time.Millisecond) {
		e, err := client.ReadEndpoint(ts.MkAbs(args[0]))
		if err == nil {
			var c net.Conn
			if c, err = net.Dial("tcp", e.API); err == nil {
				_ = c.Close()
				return
			}
		}
		if time.Now().After(deadline) {
			ts.Fatalf("the cloud does not get ready: %v", err)
		}
	}
}

// term DATA: SIGTERM to the cloud that runs in DATA; testscript's own kill knows INT and KILL only.
func term(ts *testscript.TestScript, _ bool, args []string) {
	e, err := client.ReadEndpoint(ts.MkAbs(args[0]))
	ts.Check(err)
	p, err := os.FindProcess(e.PID)
	ts.Check(err)
	ts.Check(p.Signal(syscall.SIGTERM))
}

// mktcx FILE NAME VERSION LEVEL [PARAM]: a package without any program, for agents that only pretend,
// with one more parameter that is required.
func mktcx(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	z := zip.NewWriter(f)
	w, err := z.Create(args[1] + "_v1/install.json")
	ts.Check(err)
	params := `{"name":"do","type":"String","required":true},{"name":"password","type":"String","encrypt":true},{"name":"last","type":"String"}`
	if len(args) > 4 {
		params = fmt.Sprintf(`{"name":%q,"type":"String","required":true}`, args[4])
		if args[4] != "do" {
			params += `,{"name":"do","type":"String"}`
		}
	}
	fmt.Fprintf(w, `{"programName":%q,"programVersion":%q,"programLanguage":"PYTHON","programMain":"run.py","runtimeLevel":%q,
		"params":[%s],"playbook":{"outputVariables":[{"name":"out","type":"String"}]}}`, args[1], args[2], args[3], params)
	_, err = z.Create(args[1] + "_v1/run.py")
	ts.Check(errors.Join(err, z.Close()))
}

// noSecret TEXT FILE…: none of the files may hold it.
func noSecret(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args[1:] {
		if strings.Contains(ts.ReadFile(name), args[0]) {
			ts.Fatalf("%s holds %q", name, args[0])
		}
	}
}

// mkpackage FILE: a tar.gz of the Environment Server, with as much of the program as tells its
// architecture.
func mkpackage(ts *testscript.TestScript, _ bool, args []string) {
	var b bytes.Buffer
	packed := gzip.NewWriter(&b)
	out := tar.NewWriter(packed)
	program := append([]byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00"), make([]byte, 100)...)
	ts.Check(out.WriteHeader(&tar.Header{Name: "usr/libexec/threatconnect-envsvr/tcenvsvr", Mode: 0o755, Size: int64(len(program))}))
	_, err := out.Write(program)
	ts.Check(errors.Join(err, out.Close(), packed.Close()))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o644))
}
