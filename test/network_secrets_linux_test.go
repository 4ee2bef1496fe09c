package test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/link/proxy/proxytest"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// confidant is an App that shows the test what it was told in confidence, and stays until it may
// go.
const confidant = `import json, os, time, urllib.request
import tc

app = tc.App(tc.params())
told = {"tc_token": app.p["tc_token"], "key": os.environ["TC_APP_PARAM_KEY"], "password": app.p["password"], "note": app.p["note"]}
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
direct.open(app.p["tell"], json.dumps(told).encode())
while True:
    try:
        direct.open(app.p["go"])
        break
    except OSError:
        time.sleep(0.02)
app.exit(0, "gone")
`

// TestNetworkSecretsStaySecret looks for tokens, keys, passwords and parameters in all places where
// others could see them, while orders run as the sandbox user and when agent, shims and cloud
// crash.
func TestNetworkSecretsStaySecret(t *testing.T) {
	user := need.OtherUser(t)
	need.Tool(t, "sudo")
	need.Tool(t, "/usr/bin/python3.11", "/usr/bin/python3")
	s := newScene(t)
	watch := watchProcesses(s.ctx)
	secrets := map[string]string{"proxyPassword": rand.Text(), "parameter password": rand.Text(), "parameter note": rand.Text()}
	proxy := proxytest.HTTP(t, proxytest.Options{Username: "ada", Password: secrets["proxyPassword"]})

	c := s.cloud("lab", "--log-level", "debug")
	s.addConfidant(c)
	a, err := c.Enroll(s.ctx, "lab", "one")
	s.must(err, "enrolling the agent")
	s.must(set(a, "proxyPassword", secrets["proxyPassword"]), "changing settings")
	for i, name := range []string{"brokerToken", "appDeliveryToken", "keystorePassword"} {
		secrets[name] = s.secretsOf(a)[i]
	}
	flags := append(s.proxyFlags(proxy.URL()), "--appsSandboxUser", user.Username, "--appsPythonHome311", "/usr/bin/python3", "--logLevel", "debug")
	s.start(a, flags...)
	ids := s.confide(c, secrets, 2)

	s.showNothing(c, a, ids, secrets)
	for i, shim := range s.shims(a, len(ids)) {
		s.must(syscall.Kill(shim, []syscall.Signal{syscall.SIGQUIT, syscall.SIGABRT}[i]), "signalling a shim")
	}
	s.crash(a.Process, a.Home+".log", syscall.SIGQUIT)
	s.start(a, flags...)
	s.crash(c.Process, filepath.Join(s.Dir, "cloud.log"), syscall.SIGQUIT)
	s.must(c.Restart(s.ctx), "starting the cloud again")
	s.crash(c.Process, filepath.Join(s.Dir, "cloud.log"), syscall.SIGABRT)
	s.must(c.Restart(s.ctx), "starting the cloud again")
	s.crash(a.Process, a.Home+".log", syscall.SIGABRT)
	s.start(a, flags...)

	s.must(os.WriteFile(s.markFile("go"), nil, 0o600), "letting the Apps go")
	for _, id := range ids {
		s.waitEnd(c, id)
	}
	s.showNothing(c, a, ids, secrets)
	s.silentAbout(slices.Collect(maps.Values(secrets))...)
	for _, leak := range watch.stop(secrets) {
		t.Error(leak)
	}
}

// addConfidant packs the App and gives it to the cloud.
func (s *scene) addConfidant(c *stage.Cloud) {
	s.t.Helper()
	files, err := apps.Files("sleep")
	s.must(err, "reading an App's files")
	var manifest map[string]any
	s.must(json.Unmarshal(files["install.json"], &manifest), "reading install.json")
	manifest["programName"] = "Test - Confidant"
	manifest["params"] = []map[string]any{
		{"name": "password", "type": "String", "encrypt": true}, {"name": "note", "type": "String"},
		{"name": "tell", "type": "String"}, {"name": "go", "type": "String"},
	}
	files["run.py"] = []byte(confidant)
	files["install.json"], err = json.Marshal(manifest)
	s.must(err, "writing install.json")
	file := filepath.Join(s.Dir, "confidant.tcx")
	s.must(apps.Pack(file, files), "packing the App")
	_, err = c.Do(s.ctx, "app", "add", file)
	s.must(err, "adding the App")
}

// confide gives n orders and adds what their Apps were told to the secrets.
func (s *scene) confide(c *stage.Cloud, secrets map[string]string, n int) []string {
	s.t.Helper()
	var ids []string
	for i := range n {
		tell, paramFile := fmt.Sprint("told-", i), filepath.Join(s.Dir, "params.json")
		params, err := json.Marshal(map[string]string{
			"password": secrets["parameter password"], "note": secrets["parameter note"], "tell": s.markURL(tell), "go": s.markURL("go"),
		})
		s.must(err, "writing parameters")
		s.must(os.WriteFile(paramFile, params, 0o600), "writing parameters")
		id, err := c.Do(s.ctx, "run", "lab", "Test - Confidant", "--detach", "--param-file", paramFile)
		s.must(err, "giving an order")
		ids = append(ids, strings.TrimSpace(id))
		var told map[string]string
		s.eventually("waiting for the App", func() error {
			text, err := os.ReadFile(s.markFile(tell))
			if err != nil {
				return err
			}
			return json.Unmarshal(text, &told)
		})
		if told["password"] != secrets["parameter password"] || told["note"] != secrets["parameter note"] {
			s.t.Fatal("the App got other parameters than those given")
		}
		secrets[fmt.Sprint("App token ", i)], secrets[fmt.Sprint("AES key ", i)] = told["tc_token"], told["key"]
	}
	return ids
}

// showNothing reads what people can ask for.
func (s *scene) showNothing(c *stage.Cloud, a *stage.Agent, ids []string, secrets map[string]string) {
	s.t.Helper()
	shown := map[string]string{}
	for _, args := range [][]string{{"status"}, {"status", "--json"}} {
		text, err := a.Do(s.ctx, args...)
		s.must(err, "asking the agent")
		shown[fmt.Sprint("tcenvsvr ", args)] = text
	}
	for _, args := range [][]string{
		{"execution", "show", ids[0]}, {"execution", "show", ids[1], "--json"}, {"execution", "list", "--json"},
		{"server", "list", "--json"}, {"env", "show", "lab"}, {"status"},
	} {
		text, err := c.Do(s.ctx, args...)
		s.must(err, "asking the cloud")
		shown[fmt.Sprint("tccloud ", args)] = text
	}
	for what, text := range shown {
		for name, secret := range secrets {
			if strings.Contains(text, secret) {
				s.t.Errorf("%s shows the secret %s", what, name)
			}
		}
	}
}

// shims finds the processes that look after an agent's running orders.
func (s *scene) shims(a *stage.Agent, want int) []int {
	s.t.Helper()
	p, err := paths.New(a.Home)
	s.must(err, "finding the jobs")
	files, _ := filepath.Glob(filepath.Join(p.Jobs, "*", "shim", "state"))
	var pids []int
	for _, file := range files {
		text, err := os.ReadFile(file)
		s.must(err, "reading a job's state")
		var state struct {
			ShimPID int `json:"shim_pid"`
		}
		s.must(json.Unmarshal(text, &state), "reading a job's state")
		if state.ShimPID != 0 { // its order has not ended
			pids = append(pids, state.ShimPID)
		}
	}
	if len(pids) != want {
		s.t.Fatalf("%d shims run; want %d", len(pids), want)
	}
	return pids
}

// crash sends a signal that makes a program print what it was doing, and checks that it did.
func (s *scene) crash(p *stage.Process, log string, signal syscall.Signal) {
	s.t.Helper()
	s.must(p.Signal(signal), "sending a signal")
	select {
	case <-p.Done():
	case <-s.ctx.Done():
		s.t.Fatalf("signal %s did not end the program", signal)
	}
	text, err := os.ReadFile(log)
	s.must(err, "reading what it printed")
	name := map[syscall.Signal]string{syscall.SIGQUIT: "SIGQUIT: quit", syscall.SIGABRT: "SIGABRT: abort"}[signal]
	if i := bytes.Index(text, []byte(name)); i < 0 || !bytes.Contains(text[i:], []byte("goroutine ")) {
		s.t.Errorf("%s: no crash output of %s to look through", log, name)
	}
}

// processWatch collects all command lines and environments on this host.
type processWatch struct {
	quit                   context.CancelFunc
	done                   chan struct{}
	arguments, environment map[string]string // content → whose
}

func watchProcesses(ctx context.Context) *processWatch {
	ctx, quit := context.WithCancel(ctx)
	w := &processWatch{quit: quit, done: make(chan struct{}), arguments: map[string]string{}, environment: map[string]string{}}
	go func() {
		defer close(w.done)
		for ctx.Err() == nil {
			w.look()
			time.Sleep(5 * time.Millisecond) // how closely to look; the kernel keeps no record
		}
	}()
	return w
}

func (w *processWatch) look() {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		dir := filepath.Join("/proc", e.Name())
		arguments, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		environment, _ := os.ReadFile(filepath.Join(dir, "environ"))
		// Asked last: a shim may become an App in between, never the other way round.
		program, _ := os.Readlink(filepath.Join(dir, "exe"))
		w.arguments[string(arguments)] = program
		w.environment[string(environment)] = program
	}
}

// stop ends the watch and tells which secrets were seen where. The App's own environment holds its
// key, as the contract demands.
func (w *processWatch) stop(secrets map[string]string) (leaks []string) {
	w.quit()
	<-w.done
	apps := 0
	for name, secret := range secrets {
		for text, program := range w.arguments {
			if strings.Contains(text, secret) {
				leaks = append(leaks, fmt.Sprintf("the arguments of %s show the secret %s", program, name))
			}
		}
		for text, program := range w.environment {
			app := strings.Contains(filepath.Base(program), "python") && strings.HasPrefix(name, "AES key")
			if found := strings.Contains(text, secret); found && app {
				apps++
			} else if found {
				leaks = append(leaks, fmt.Sprintf("the environment of %s shows the secret %s", program, name))
			}
		}
	}
	if apps == 0 {
		leaks = append(leaks, "the watch has not even seen an App's environment")
	}
	return leaks
}
