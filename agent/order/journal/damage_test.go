package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"tcenvsvr/agent/link/wire"
	disks "tcenvsvr/test/disk"
)

// damages are all of a file, and some that leave more to be read.
func damages() map[string]func(path string) error {
	all := maps.Clone(disks.Damages)
	all["head gone"] = func(path string) error { return overwrite(path, func(b []byte) { clear(b[:min(len(b), 512)]) }) }
	all["one byte flipped in the head"] = func(path string) error {
		return overwrite(path, func(b []byte) { b[min(len(b)-1, 9)] ^= 1 })
	}
	all["records flipped"] = func(path string) error {
		return overwrite(path, func(b []byte) {
			for i := headBytes + 100; i < len(b) && i < 3000; i += 400 {
				b[i] ^= 0x10
			}
		})
	}
	return all
}

func overwrite(path string, change func([]byte)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	change(b)
	return os.WriteFile(path, b, 0o600)
}

// lives is a journal with an order of each kind in it.
func lives(t *testing.T, dir string) (accepted, running, finished Entry) {
	t.Helper()
	j := open(t, dir)
	accepted, running, finished = order("accepted", 1), order("running", 2), order("finished", 1)
	for _, e := range []Entry{accepted, running, finished} {
		_, err := j.Accept(e)
		must(t, err)
	}
	for _, e := range []Entry{running, finished} {
		must(t, j.Starting(e.Order.Ref, json.RawMessage(`{"shim":7}`), nil))
		must(t, j.Started(e.Order.Ref))
	}
	must(t, j.Finish(result(finished)))
	gone := order("gone", 1)
	_, err := j.Accept(gone)
	must(t, err)
	must(t, j.Finish(result(gone)))
	must(t, j.Forget(gone.Order.Ref))
	crash(t, j)
	return accepted, running, finished
}

// Whichever file is damaged, what runs is known with its shim, a result waits, nothing that may
// have run is said not to, and what is over stays over.
func TestDamagedFile(t *testing.T) {
	for name, damage := range damages() {
		for _, file := range []string{"journal.0", "journal.1", "copies/running.2", "copies/finished.1"} {
			t.Run(file+" "+name, func(t *testing.T) {
				dir := t.TempDir()
				accepted, running, finished := lives(t, dir)
				if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
					t.Fatal(err)
				}
				must(t, damage(filepath.Join(dir, file)))
				for range 2 { // what was mended stays so
					j := open(t, dir)
					if e, ok := j.Get(running.Order.Ref); !ok || e.State != wire.StateRunning || string(e.Shim) != `{"shim":7}` || e.Result != nil {
						t.Errorf("the running order: %v, %+v", ok, e)
					}
					if e, ok := j.Get(finished.Order.Ref); !ok || e.Result == nil || e.Result.Message != "done" {
						t.Errorf("the result: %v, %+v", ok, e)
					}
					if e, ok := j.Get(accepted.Order.Ref); ok && e.State == wire.StateAccepted && e.Order.Params == nil {
						t.Errorf("an order that is to be started has no parameters: %+v", e)
					}
					if n := len(j.Entries()); n > 3 {
						t.Errorf("%d entries, one is over", n)
					}
					must(t, j.Finish(result(running)))
					crash(t, j)
					must(t, os.RemoveAll(filepath.Join(dir, copiesDir, running.Order.Ref.String())))
					j = open(t, dir)
					if e, ok := j.Get(running.Order.Ref); !ok || e.Result == nil {
						t.Errorf("its result: %v, %+v", ok, e)
					}
					must(t, j.Forget(running.Order.Ref))
					_, err := j.Accept(running)
					must(t, err)
					must(t, j.Starting(running.Order.Ref, json.RawMessage(`{"shim":7}`), nil))
					crash(t, j)
				}
			})
		}
	}
}

// What hits both files at once is said, also where it leaves no byte of either head, and loses neither
// what runs nor a result.
func TestBothFilesDamaged(t *testing.T) {
	all := damages()
	all["the first 4 KiB overwritten"] = func(path string) error {
		return overwrite(path, func(b []byte) { copy(b, strings.Repeat("x", 4<<10)) })
	}
	for name, damage := range all {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			_, running, finished := lives(t, dir)
			must(t, errors.Join(damage(filepath.Join(dir, "journal.0")), damage(filepath.Join(dir, "journal.1"))))
			var log bytes.Buffer
			j, err := Open(dir, logger(&log))
			must(t, err)
			t.Cleanup(func() { _ = j.Close() })
			if e, ok := j.Get(running.Order.Ref); !ok || e.State != wire.StateRunning || string(e.Shim) != `{"shim":7}` {
				t.Errorf("the running order: %v, %+v", ok, e)
			}
			if e, ok := j.Get(finished.Order.Ref); !ok || e.Result == nil || e.Result.Message != "done" {
				t.Errorf("the result: %v, %+v", ok, e)
			}
			want := ""
			if strings.Contains(name, "overwritten") {
				want = "journal.0: its head is damaged; journal.1: its head is damaged; orders restored from their copies: 2"
			}
			if j.Damage() == "" || !strings.HasPrefix(j.Damage(), want) || !strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("damage %q, want %q, log:\n%s", j.Damage(), want, &log)
			}
		})
	}
}

// The record of a start that is damaged must not make an order look as if it had never run, be it
// the last one or not, and be its copy there or not.
func TestDamagedRecordInTheMiddle(t *testing.T) {
	for name, withCopies := range map[string]bool{"with copies": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var log bytes.Buffer
			accepted, running, finished := lives(t, dir)
			if !withCopies {
				must(t, os.RemoveAll(filepath.Join(dir, copiesDir)))
			}
			path := filepath.Join(dir, "journal.1")
			if b, err := os.ReadFile(path); err != nil || !bytes.Contains(b, []byte(`"running.2`)) && !bytes.Contains(b, []byte("running")) {
				path = filepath.Join(dir, "journal.0")
			}
			must(t, overwrite(path, func(b []byte) { // the first byte of the shim in the record of the first start
				b[bytes.Index(b, []byte(`"shim":{"shim"`))] ^= 1
			}))
			j, err := Open(dir, logger(&log))
			must(t, err)
			t.Cleanup(func() { _ = j.Close() })
			for _, e := range []Entry{running, accepted} {
				if got, ok := j.Get(e.Order.Ref); !ok || got.State == wire.StateAccepted {
					t.Errorf("%s: known %v, %s: it may have been started", e.Order.Ref, ok, got.State)
				}
			}
			if e, ok := j.Get(finished.Order.Ref); !ok || e.Result == nil {
				t.Errorf("a result behind the damage is lost: %+v", e)
			}
			if !strings.Contains(j.Damage(), "cannot be read") || !strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("damage %q, log:\n%s", j.Damage(), &log)
			}
			crash(t, j)
			if j = open(t, dir); j.Damage() != "" {
				t.Errorf("it was mended, and is damaged again: %s", j.Damage())
			}
		})
	}
}

// A torn record at the end is what a crash leaves, and no damage.
func TestTornIsNoDamage(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	_, err := j.Accept(order("one", 1))
	must(t, err)
	end, path := j.log.end, j.log.active().Name()
	crash(t, j)
	must(t, overwrite(path, func(b []byte) {
		copy(b[end:], frame(j.log.generation, parts{payload: []byte(recordBegin + `"half`)})[:20])
	}))
	j = open(t, dir)
	if j.Damage() != "" || len(j.Entries()) != 1 {
		t.Errorf("%d entries, damage %q", len(j.Entries()), j.Damage())
	}
}

// A copied home has the results, which anybody may deliver, and nothing else of the original's.
func TestCopiedJournal(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("cp")
	}
	dir := t.TempDir()
	home, clone := filepath.Join(dir, "home"), filepath.Join(dir, "clone")
	_, running, finished := lives(t, home)
	if out, err := exec.Command("cp", "-a", home, clone).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for i := range 2 {
		var log bytes.Buffer
		j, err := Open(clone, slog.New(slog.NewTextHandler(&log, nil)))
		must(t, err)
		if all := j.Entries(); len(all) != 1 || all[0].Order.Ref != finished.Order.Ref {
			t.Errorf("the clone has %v", refs(all))
		}
		if said := strings.Contains(log.String(), "a copy of another agent's"); said != (i == 0) || j.Damage() != "" {
			t.Errorf("start %d: damage %q, log:\n%s", i+1, j.Damage(), &log)
		}
		crash(t, j)
	}
	must(t, os.Rename(home, home+"-renamed"))
	j := open(t, home+"-renamed")
	if all := j.Entries(); len(all) != 3 || j.Damage() != "" {
		t.Errorf("the original, renamed, has %v, damage %q", refs(all), j.Damage())
	}
	if e, _ := j.Get(running.Order.Ref); e.State != wire.StateRunning {
		t.Errorf("%+v", e)
	}
}

func refs(all []Entry) (refs []string) {
	for _, e := range all {
		refs = append(refs, e.Order.Ref.String())
	}
	return refs
}

// What a load has taken is given back after it.
func TestShrinks(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	size := func() (all int64) {
		for _, f := range []string{"journal.0", "journal.1"} {
			info, err := os.Stat(filepath.Join(dir, f))
			must(t, err)
			all += info.Size()
		}
		return all
	}
	var load []Entry
	for i := range 64 {
		e := order(fmt.Sprintf("o%d", i), 1)
		_, err := j.Accept(e)
		must(t, err)
		load = append(load, e)
	}
	if size() < 16<<20 {
		t.Fatalf("%d bytes: this load takes nothing", size())
	}
	for _, e := range load {
		must(t, j.Finish(result(e)))
		must(t, j.Forget(e.Order.Ref))
	}
	if got := size(); got != 2*fileBytes {
		t.Errorf("%d bytes after the load, want %d", got, 2*fileBytes)
	}
}

func logger(b *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// TestCopiesReuseFiles: the file of an entry that is over becomes that of another one, whatever their lengths,
// and what waits for that is nobody's copy.
func TestCopiesReuseFiles(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	for n, message := range []string{strings.Repeat("long ", 100), "short", strings.Repeat("long ", 50)} {
		e := order("one", wire.Attempt(n+1))
		_, err := j.Accept(e)
		must(t, err)
		must(t, j.Starting(e.Order.Ref, json.RawMessage(`{"shim":7}`), nil))
		r := result(e)
		r.Message = message
		must(t, j.Finish(r))
		data, err := os.ReadFile(j.copies.path(e.Order.Ref))
		must(t, err)
		if c := j.copies.decode(e.Order.Ref.String(), data); c == nil || c.Result == nil || c.Result.Message != message {
			t.Errorf("the copy of %q: %s", message, data)
		}
		must(t, j.Forget(e.Order.Ref))
		if files, err := os.ReadDir(filepath.Join(dir, copiesDir)); err != nil || len(files) != 1 {
			t.Errorf("%d files are left, %v", len(files), err)
		}
	}
	crash(t, j)
	j = open(t, dir)
	if n := len(j.Entries()); n != 0 {
		t.Errorf("%d entries came back", n)
	}
}
