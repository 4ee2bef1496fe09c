package agent

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tcenvsvr/agent/disk/place"
	"tcenvsvr/agent/job"
)

// TestOwnShim: what an App has left, and that has written itself into shim/state as the shim and
// says yes to everything, is ended when the journal knows nothing of it.
func TestOwnShim(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes as long as a job that nobody ordered may take to end")
	}
	r := newRig(t)
	s := r.start()
	r.warm(s)
	o, open := r.gated(s)
	dir := filepath.Join(r.dir, "jobs", o.Ref.String())
	p, err := r.agent.Jobs.Attach(dir, job.Status{})
	must(t, err)
	status := p.Status()
	r.stop()
	open()
	r.eventually("the shim is gone", func() bool { _, err := r.agent.Jobs.Attach(dir, job.Status{}); return err != nil })
	must(t, os.RemoveAll(filepath.Join(r.dir, "journal")))
	must(t, os.RemoveAll(filepath.Join(dir, "shim")))
	must(t, os.Mkdir(filepath.Join(dir, "shim"), 0o770))
	yes := exec.Command("python3", "-c", `
import socket, threading, os
s = socket.socket(socket.AF_UNIX); s.bind("sock"); s.listen(50)
def talk(c):
    while c.recv(64): c.send(b"ok\n")
while True: threading.Thread(target=talk, args=(s.accept()[0],)).start()`)
	yes.Dir = filepath.Join(dir, "shim")
	must(t, yes.Start())
	defer func() { _ = yes.Process.Kill() }()
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(yes.Process.Pid) + "/stat")
	must(t, err)
	fields := strings.Fields(string(stat))
	status.ShimPID = yes.Process.Pid
	status.ShimStart, err = strconv.ParseUint(fields[21], 10, 64)
	must(t, err)
	status.Place, err = place.Of(yes.Dir)
	must(t, err)
	state, err := json.Marshal(status)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(yes.Dir, "state"), state, 0o660))
	ended := make(chan error, 1)
	go func() { ended <- yes.Wait() }()
	r.eventually("it listens", func() bool { return job.Attended(dir) })
	r.start()
	select {
	case <-ended:
	default:
		t.Error("it lives")
	}
}
