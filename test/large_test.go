package test

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/test/apps"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// largeApp tells what its package brought.
const largeApp = `import hashlib
import tc

app = tc.App(tc.params())
sum = hashlib.sha256()
with open("data.bin", "rb") as f:
    while block := f.read(1 << 20):
        sum.update(block)
app.exit(0, sum.hexdigest())
`

// packLarge writes a package of exactly size bytes that no compression makes smaller, and returns
// the digest of its data.
func (s *scene) packLarge(file string, size int64) string {
	s.t.Helper()
	files, err := apps.Files("noop")
	s.must(err, "reading an App's files")
	var manifest map[string]any
	s.must(json.Unmarshal(files["install.json"], &manifest), "reading install.json")
	manifest["programName"], manifest["displayName"] = "Test - Large", "Test - Large"
	files["install.json"], err = json.Marshal(manifest)
	s.must(err, "writing install.json")
	shared, err := apps.Files("job")
	s.must(err, "reading an App's files")
	files["run.py"], files["tc.py"] = []byte(largeApp), shared["tc.py"]

	write := func(w io.Writer, data int64) string {
		z, sum := zip.NewWriter(w), sha256.New()
		for name, content := range files {
			e, err := z.CreateHeader(&zip.FileHeader{Name: "Test_-_Large_v1/" + name})
			s.must(err, "packing the App")
			_, err = e.Write(content)
			s.must(err, "packing the App")
		}
		e, err := z.CreateHeader(&zip.FileHeader{Name: "Test_-_Large_v1/data.bin"})
		s.must(err, "packing the App")
		_, err = io.CopyN(io.MultiWriter(e, sum), rand.NewChaCha8([32]byte{1}), data)
		s.must(err, "packing the App")
		s.must(z.Close(), "packing the App")
		return hex.EncodeToString(sum.Sum(nil))
	}
	var frame counter
	write(&frame, 0)
	f, err := os.Create(file)
	s.must(err, "packing the App")
	defer f.Close()
	return write(f, size-int64(frame))
}

type counter int64

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

var peakLine = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peak is the most memory a process has had, in bytes; 0 where the system does not say.
func peak(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	m := peakLine.FindSubmatch(text)
	if m == nil {
		return 0
	}
	kB, _ := strconv.ParseInt(string(m[1]), 10, 64)
	return kB << 10
}

// TestLargeApp: a package of 200 MB, or with TCENVSVR_LARGE=1 the largest that is promised (1 GiB),
// is added, delivered, unpacked and run, and no process holds it in memory. Not a byte more is
// taken.
func TestLargeApp(t *testing.T) {
	need.Python(t)
	s := newScene(t)
	size, bound := int64(200<<20), int64(300<<20) // the race detector multiplies what the programs need
	if os.Getenv("TCENVSVR_LARGE") == "1" {
		size, bound = wire.MaxAppSize, 150<<20
		plain, err := stage.New(s.ctx, s.Dir, "", "")
		s.must(err, "building the programs as they are released")
		s.CloudBin, s.AgentBin = plain.CloudBin, plain.AgentBin
	}
	c := s.cloud("lab")
	a := s.agent(c, "lab", "one", "--appsRunner", "none")
	file := filepath.Join(s.Dir, "large.tcx")
	data := s.packLarge(file, size)
	lap := stopwatch(t)

	out, err := c.Do(s.ctx, "app", "add", file)
	s.must(err, "adding the App")
	lap("added")
	if !strings.Contains(out, strconv.FormatInt(size, 10)) {
		t.Errorf("tccloud app add printed %q, want the size %d", out, size)
	}
	var e execution
	s.must(c.JSON(s.ctx, &e, "run", "lab", "Test_-_Large"), "running the App")
	lap("delivered, unpacked and run")
	if e.State != wire.State(wire.Succeeded) || strings.TrimSpace(e.Message) != data {
		t.Errorf("it ended %s: %q, want the digest %s", e.State, e.Message, data)
	}
	small := func() {
		t.Helper()
		for name, pid := range map[string]int{"cloud": c.PID(), "agent": a.PID()} {
			got := peak(pid)
			t.Logf("%s: at most %d MB of memory", name, got>>20)
			if got > bound {
				t.Errorf("the %s had %d MB of memory, want at most %d MB", name, got>>20, bound>>20)
			}
		}
	}
	small()

	// After a restart the cloud has it from its store, also where the cache has gone.
	c.Kill()
	s.must(os.RemoveAll(filepath.Join(s.Dir, "cloud", "cache")), "removing the cache")
	s.must(c.Restart(s.ctx), "restarting the cloud")
	s.must(os.RemoveAll(filepath.Join(a.Home, ".tcenvsvr", "exchange", "programs", "Test_-_Large_v1")), "removing the installed App")
	s.must(a.Connected(s.ctx), "waiting for the agent's session")
	s.must(c.JSON(s.ctx, &e, "run", "lab", "Test_-_Large"), "running the App again")
	lap("delivered from the store")
	if e.State != wire.State(wire.Succeeded) || strings.TrimSpace(e.Message) != data {
		t.Errorf("the second one ended %s: %q %s", e.State, e.Message, e.Error)
	}
	small()

	s.must(os.Truncate(file, wire.MaxAppSize+1), "making a package too large")
	if _, err := c.Do(s.ctx, "app", "add", file); err == nil || !strings.Contains(err.Error(), "larger than 1073741824 bytes") {
		t.Errorf("a package of 1 GiB and a byte: got %v", err)
	}
	lap("too large: refused")
}

func stopwatch(t *testing.T) func(string) {
	began := time.Now()
	return func(what string) {
		t.Logf("%s: %.1f s", what, time.Since(began).Seconds())
		began = time.Now()
	}
}
