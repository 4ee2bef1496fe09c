package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/agent/link/wire"
)

const secret = "s3cret-parameter"

func order(id string, attempt wire.Attempt) Entry {
	return Entry{
		BootID:   "boot",
		Accepted: time.Unix(1_700_000_000, 0).UTC(),
		Order: wire.Order{
			Ref: wire.Ref{Order: wire.OrderID(id), Attempt: attempt}, Runtime: wire.RuntimeJob,
			App:    wire.AppRef{Name: "a", Size: 1, SHA256: wire.SHA256(strings.Repeat("a", 64))},
			Params: map[string]string{"password": secret}, TimeoutMS: 1000,
		},
	}
}

func result(e Entry) wire.Result {
	return wire.Result{Ref: e.Order.Ref, Outcome: wire.Succeeded, Message: "done"}
}

func open(t *testing.T, dir string) *Journal {
	t.Helper()
	j, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// crash drops the files as a killed process would.
func crash(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLife(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	e := order("one", 1)
	if fresh, err := j.Accept(e); err != nil || !fresh {
		t.Fatalf("first Accept = %v, %v; want true, nil", fresh, err)
	}
	if fresh, err := j.Accept(e); err != nil || fresh {
		t.Fatalf("second Accept = %v, %v; want false, nil", fresh, err)
	}
	crash(t, j)

	j = open(t, dir)
	got, ok := j.Get(e.Order.Ref)
	want := e
	want.State = wire.StateAccepted
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Fatalf("after a crash (-want +got):\n%s", diff)
	}
	must(t, j.Starting(e.Order.Ref, nil, nil))
	crash(t, j)
	j = open(t, dir)
	if got, _ = j.Get(e.Order.Ref); got.State != wire.StateRunning || got.Order.Params == nil {
		t.Fatalf("about to be started: state %q, params %v; want running, and the parameters: it may turn out not to have been", got.State, got.Order.Params)
	}
	must(t, j.Started(e.Order.Ref))
	crash(t, j)

	j = open(t, dir)
	got, _ = j.Get(e.Order.Ref)
	if got.State != wire.StateRunning || got.Order.Params != nil {
		t.Fatalf("after the start: state %q, params %v; want running, none", got.State, got.Order.Params)
	}
	must(t, j.Finish(result(e)))
	second := result(e)
	second.Outcome = wire.Failed
	must(t, j.Finish(second))
	crash(t, j)

	j = open(t, dir)
	got, _ = j.Get(e.Order.Ref)
	if got.Result == nil || got.Result.Outcome != wire.Succeeded {
		t.Fatalf("after the end: result %+v; want the first one", got.Result)
	}
	must(t, j.Forget(e.Order.Ref))
	for _, err := range []error{j.Starting(e.Order.Ref, nil, nil), j.Started(e.Order.Ref), j.Finish(result(e))} {
		if err == nil || !strings.HasSuffix(err.Error(), "of one.1: no such entry") {
			t.Errorf("a change after Forget: got %v", err)
		}
	}
	if n := len(j.Entries()); n != 0 {
		t.Fatalf("%d entries after Forget; want 0", n)
	}
}

// onDisk reports whether the files hold the parameter of order().
func onDisk(t *testing.T, dir string) bool {
	t.Helper()
	found := false
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		found = found || bytes.Contains(b, []byte(secret))
		return err
	}))
	return found
}

// One order is enough, also beside others that live.
func TestSecretsLeaveTheDisk(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *Journal, Entry){
		"acknowledged": func(t *testing.T, j *Journal, e Entry) {
			must(t, j.Starting(e.Order.Ref, nil, nil))
			must(t, j.Started(e.Order.Ref))
			must(t, j.Finish(result(e)))
			must(t, j.Forget(e.Order.Ref))
		},
		"finished": func(t *testing.T, j *Journal, e Entry) { must(t, j.Finish(result(e))) },
		"fenced":   func(t *testing.T, j *Journal, e Entry) { must(t, j.Forget(e.Order.Ref)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, dir)
			other := order("other", 1)
			other.Order.Params = map[string]string{"p": "of-another"}
			_, err := j.Accept(other)
			must(t, err)
			e := order("one", 1)
			e.Order.Token, e.Order.Defaults = secret, map[string]string{"d": secret}
			_, err = j.Accept(e)
			must(t, err)
			if !onDisk(t, dir) {
				t.Fatal("the parameter is not there to begin with")
			}
			end(t, j, e)
			if onDisk(t, dir) {
				t.Error("a parameter of the order is still on the disk")
			}
			crash(t, j)
			j = open(t, dir)
			if got, _ := j.Get(other.Order.Ref); got.Order.Params["p"] != "of-another" {
				t.Errorf("the other order has parameters %v", got.Order.Params)
			}
			if got, known := j.Get(e.Order.Ref); known && got.Result == nil {
				t.Error("the order that ended lives again")
			}
		})
	}
}

// A power cut may come between the record and the overwriting, and leave either file as it was: the
// next start sees to it.
func TestSecretsLeaveTheDiskAtTheNextStart(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	e := order("one", 1)
	_, err := j.Accept(e)
	must(t, err)
	clear(j.log.secrets) // so that nothing is overwritten
	must(t, j.Finish(result(e)))
	must(t, j.Forget(e.Order.Ref))
	_, err = j.log.files[1-j.log.current].WriteAt([]byte(secret), 3<<20)
	must(t, err)
	crash(t, j)
	if !onDisk(t, dir) {
		t.Fatal("the parameter is not there to begin with")
	}
	open(t, dir)
	if onDisk(t, dir) {
		t.Error("a parameter of the order is still on the disk")
	}
}

// What was overwritten and then lost the record that says why is over; it is not what the end of
// the log looks like, and takes no other with it.
func TestOverwrittenSecrets(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	for _, id := range []string{"ended", "lives"} {
		_, err := j.Accept(order(id, 1))
		must(t, err)
	}
	j.log.wipe(order("ended", 1).Order.Ref)
	crash(t, j)
	j = open(t, dir)
	if all := j.Entries(); len(all) != 1 || all[0].Order.Order != "lives" || all[0].Order.Params["password"] != secret {
		t.Errorf("after the crash: %+v", all)
	}
}

func TestCompaction(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	keep := order("keep", 1)
	_, err := j.Accept(keep)
	must(t, err)
	big := strings.Repeat("x", 64<<10)
	for i := range 300 { // 19 MB through a 4 MiB file
		e := order(fmt.Sprintf("o%d", i), 1)
		e.Order.Params["big"] = big
		_, err := j.Accept(e)
		must(t, err)
		must(t, j.Finish(result(e)))
		must(t, j.Forget(e.Order.Ref))
	}
	crash(t, j)
	j = open(t, dir)
	if all := j.Entries(); len(all) != 1 || all[0].Order.Order != "keep" {
		t.Fatalf("after compaction: %d entries; want the one that was kept", len(all))
	}
}

// TestTorn cuts the log at every length of its last record and flips bytes in it: what was durable
// before stays.
func TestTorn(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	_, err := j.Accept(order("first", 1))
	must(t, err)
	before := j.log.end
	_, err = j.Accept(order("second", 1))
	must(t, err)
	end, name := j.log.end, j.log.active().Name()
	crash(t, j)
	whole, err := os.ReadFile(name)
	must(t, err)
	check := func(t *testing.T, change func([]byte)) {
		t.Helper()
		b := bytes.Clone(whole)
		change(b)
		must(t, os.WriteFile(name, b, 0o600))
		other := filepath.Join(dir, map[string]string{"journal.0": "journal.1", "journal.1": "journal.0"}[filepath.Base(name)])
		must(t, os.Remove(other))
		j := open(t, dir)
		all := j.Entries()
		if len(all) != 1 || all[0].Order.Order != "first" {
			t.Fatalf("%d entries; want the first only", len(all))
		}
		if fresh, err := j.Accept(order("second", 1)); err != nil || !fresh {
			t.Fatalf("accepting after repair = %v, %v", fresh, err)
		}
		crash(t, j)
		if j = open(t, dir); len(j.Entries()) != 2 {
			t.Fatalf("%d entries after repair and accept; want 2", len(j.Entries()))
		}
		crash(t, j)
	}
	for cut := before + 4; cut < end; cut += 37 {
		check(t, func(b []byte) { clear(b[cut:end]) })
	}
	for at := before + 4; at < end; at += 61 {
		check(t, func(b []byte) { b[at] ^= 0x40 })
	}
	check(t, func(b []byte) { b[before] = 0xff }) // an absurd length
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	if _, err := Open(dir, nil); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Fatalf("second Open = %v; want in use", err)
	}
}

func TestConcurrentAccept(t *testing.T) {
	j := open(t, t.TempDir())
	var wg sync.WaitGroup
	var fresh [8]int
	for g := range fresh {
		wg.Go(func() {
			for i := range 50 {
				ok, err := j.Accept(order(fmt.Sprintf("o%d", i), 1))
				if err != nil {
					t.Error(err)
				}
				if ok {
					fresh[g]++
				}
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range fresh {
		total += n
	}
	if total != 50 {
		t.Fatalf("%d of 50 orders were fresh; want each exactly once", total)
	}
}

func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to mount a small file system")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("cannot mount a small file system here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	j := open(t, filepath.Join(dir, "journal"))
	filler, err := os.Create(filepath.Join(dir, "filler"))
	must(t, err)
	chunk := make([]byte, 64<<10)
	for err == nil {
		_, err = filler.Write(chunk)
	}
	must(t, filler.Close())
	var accepted []Entry
	for i := range 100 {
		e := order(fmt.Sprintf("o%d", i), 1)
		if _, err = j.Accept(e); err != nil {
			break
		}
		accepted = append(accepted, e)
	}
	if !errors.Is(err, ErrNoSpace) || len(accepted) == 0 {
		t.Fatalf("accepted %d orders, then %v; want some, then ErrNoSpace", len(accepted), err)
	}
	for _, e := range accepted { // every accepted one has room for the largest result
		r := result(e)
		r.Results = map[string]string{"r": strings.Repeat("r", 200<<10)}
		must(t, j.Finish(r))
	}
	must(t, j.Forget(accepted[0].Order.Ref))
	must(t, os.Remove(filler.Name()))
	if _, err := j.Accept(order("later", 1)); err != nil {
		t.Fatalf("accepting when there is space again: %v", err)
	}
}

// TestKill kills a process that journals and checks that everything it said was durable is there.
func TestKill(t *testing.T) {
	if dir := os.Getenv("JOURNAL_CHILD"); dir != "" {
		journalUntilKilled(t, dir)
	}
	dir := t.TempDir()
	for round := range 15 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), "JOURNAL_CHILD="+dir, fmt.Sprintf("JOURNAL_ROUND=%d", round))
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		said := map[wire.OrderID]string{}
		lines := bufio.NewScanner(out)
		for n := 0; n < 40+round*7 && lines.Scan(); n++ {
			what, id, _ := strings.Cut(lines.Text(), " ")
			said[wire.OrderID(id)] = what
		}
		must(t, cmd.Process.Kill())
		_ = cmd.Wait()
		j := open(t, dir)
		for id, what := range said {
			e, ok := j.Get(wire.Ref{Order: id, Attempt: 1})
			if !ok || (what == "finished" && e.Result == nil) {
				t.Fatalf("round %d: %s of %s was lost", round, what, id)
			}
		}
		for _, e := range j.Entries() {
			must(t, j.Forget(e.Order.Ref))
		}
		crash(t, j)
	}
}

func journalUntilKilled(t *testing.T, dir string) {
	j := open(t, dir)
	for i := 0; ; i++ {
		e := order(fmt.Sprintf("r%s-%d", os.Getenv("JOURNAL_ROUND"), i), 1)
		e.Order.Params["big"] = strings.Repeat("x", 20<<10) // rotates now and then
		if _, err := j.Accept(e); err != nil {
			t.Fatal(err)
		}
		fmt.Println("accepted", e.Order.Order)
		must(t, j.Finish(result(e)))
		fmt.Println("finished", e.Order.Order)
	}
}

func FuzzReplay(f *testing.F) {
	f.Add([]byte(`{"ref":{"order":"a","attempt":1}}`), uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, payload []byte, at uint16, flip byte) {
		dir := t.TempDir()
		j, err := Open(dir, nil)
		must(t, err)
		_, err = j.Accept(order("first", 1))
		must(t, err)
		before := j.log.end
		if len(payload) > 0 && len(payload) < 4096 {
			_, err = j.log.append(parts{payload: payload})
			must(t, err)
		}
		if pos := before + int64(at)%4096; flip != 0 {
			_, err = j.log.active().WriteAt([]byte{flip}, pos)
			must(t, err)
		}
		crash(t, j)
		j, err = Open(dir, nil)
		if err != nil {
			return // a record that is whole but no record is an error, not a loss
		}
		defer j.Close()
		if _, ok := j.Get(order("first", 1).Order.Ref); !ok && !strings.Contains(string(payload), "first") {
			t.Fatal("the first record was lost")
		}
	})
}

func BenchmarkAccept(b *testing.B) {
	j, err := Open(b.TempDir(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	for i := range b.N {
		e := order(fmt.Sprintf("o%d", i), 1)
		if _, err := j.Accept(e); err != nil {
			b.Fatal(err)
		}
		if err := j.Forget(e.Order.Ref); err != nil {
			b.Fatal(err)
		}
	}
}

// A journal has one name for life; a copy of it has another.
func TestName(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	name := func(dir, boot string) string {
		j, err := Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = j.Close() }()
		return j.Name(boot)
	}
	first := name(dir, "boot-1")
	if err := os.CopyFS(filepath.Join(copied, "journal"), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if again := name(dir, "boot-1"); again != first || first == "" {
		t.Errorf("names %q and %q; want the same", first, again)
	}
	for _, other := range []string{name(filepath.Join(copied, "journal"), "boot-1"), name(dir, "boot-2")} {
		if other == first {
			t.Errorf("another journal or host has the name %q, too", other)
		}
	}
	j, err := Open(dir, nil)
	must(t, err)
	defer j.Close()
	must(t, os.Rename(dir, dir+"-away"))
	if now := j.Name("boot-1"); now != first {
		t.Errorf("while its folder is out of reach it has the name %q; want %q", now, first)
	}
}
