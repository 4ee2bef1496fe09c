package outcome

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/link/wire"
)

// session makes a job's folder with the given files.
func session(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"in", "out", "log", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range files {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var manifest = tcx.Manifest{
	Params:          []tcx.Param{{Name: "last_run"}, {Name: "count"}, {Name: "note"}},
	PublishOutFiles: []string{"*.csv", "report/*.txt", "exact.bin"},
}

func TestOutcome(t *testing.T) {
	for _, tt := range []struct {
		code     int
		playbook bool
		want     wire.Outcome
	}{
		{0, false, wire.Succeeded}, {0, true, wire.Succeeded}, {1, false, wire.Failed}, {3, false, wire.Partial},
		{3, true, wire.Failed}, {4, false, wire.Failed}, {-1, false, wire.Failed}, {137, true, wire.Failed},
	} {
		if got := Outcome(tt.code, tt.playbook); got != tt.want {
			t.Errorf("exit %d, playbook %t: got %q, want %q", tt.code, tt.playbook, got, tt.want)
		}
	}
	if !HardFailure(4) || HardFailure(1) {
		t.Error("4 alone is a hard failure")
	}
}

func TestCollect(t *testing.T) {
	long := strings.Repeat("ä", 3000) + "end\n"
	for _, tt := range []struct {
		name, message, results string
		want                   Collected
	}{
		{"nothing", "", "", Collected{}},
		{"usual", "all done\n", "count = 5\nlast_run = 2026 = x\n", Collected{Message: "all done", Results: map[string]string{"count": "5", "last_run": "2026 = x"}}},
		{"old form", "", "param.count = 7\r\nnote =\n", Collected{Results: map[string]string{"count": "7", "note": ""}}},
		{"undeclared and broken lines", "", "secret = 1\ncount=5\n= 3\n\nnote = last\nnote = wins", Collected{Results: map[string]string{"note": "wins"}}},
		{"the end of a long message", long, "", Collected{Message: strings.Repeat("ä", 252) + "end"}},
		{"not UTF-8", "a\xffb\n", "", Collected{Message: "a\uFFFDb"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Collect(session(t, map[string]string{"out/message.tc": tt.message, "out/results.tc": tt.results}), manifest)
			if d := cmp.Diff(tt.want, got); d != "" || err != nil {
				t.Errorf("%v %s", err, d)
			}
		})
	}
}

func TestCollectRefusesTooMuch(t *testing.T) {
	dir := session(t, map[string]string{"out/message.tc": "m", "out/results.tc": "note = " + strings.Repeat("x", maxResultsSum)})
	got, err := Collect(dir, manifest)
	if err == nil || !strings.Contains(err.Error(), "more than 24576 bytes of names and values") || got.Results != nil || got.Message != "m" {
		t.Errorf("got %+v, %v", got, err)
	}
	dir = session(t, map[string]string{"out/results.tc": strings.Repeat("note = x\n", maxResultsTC/8)})
	if got, err := Collect(dir, manifest); err == nil || !strings.Contains(err.Error(), "results.tc has more than 1048576 bytes") || got.Results != nil {
		t.Errorf("got %d results, %v", len(got.Results), err)
	}
}

func TestPublish(t *testing.T) {
	dir := session(t, map[string]string{
		"out/a.csv": "1", "out/b.csv": "22", "out/c.txt": "no", "out/exact.bin": "", "out/message.tc": "m",
		"out/report/r.txt": "333", "out/report/deep/r.txt": "no", "out/sub/d.csv": "no",
	})
	got, err := Publish(dir, manifest)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, p := range got {
		if p.Err != nil {
			t.Errorf("%s: %v", p.Name, p.Err)
			continue
		}
		content, err := io.ReadAll(io.NewSectionReader(p.File, 0, p.Size))
		list = append(list, fmt.Sprintf("%s=%s %v", p.Name, content, err))
		if err := p.File.Close(); err != nil {
			t.Error(err)
		}
	}
	if d := cmp.Diff([]string{"a.csv=1 <nil>", "b.csv=22 <nil>", "exact.bin= <nil>", "report/r.txt=333 <nil>"}, list); d != "" {
		t.Error(d)
	}
}

func TestPublishIsBounded(t *testing.T) {
	files := make(map[string]string)
	for i := range 5 * MaxPublished {
		files[fmt.Sprintf("out/%04d.csv", i)] = ""
	}
	got, err := Publish(session(t, files), manifest)
	if err == nil || len(got) != MaxPublished || got[0].Name != "0000.csv" || got[255].Name != "0255.csv" {
		t.Fatalf("got %d files, %v", len(got), err)
	}
	for _, want := range []string{"256 of 1280", `"0256.csv", "0257.csv"`, "and 1014 more"} {
		if text := err.Error(); !strings.Contains(text, want) || len(text) > 2000 {
			t.Errorf("%q is not in %q", want, text)
		}
	}
	files = map[string]string{}
	for i := range MaxPublished {
		files[fmt.Sprintf("out/%03d%s.csv", i, strings.Repeat("x", 200))] = ""
	}
	if got, err = Publish(session(t, files), manifest); err == nil || len(got) != maxNames/207 || len(err.Error()) > 2000 {
		t.Errorf("got %d files with long names, %v", len(got), err)
	}
}

// TestPublishIsBoundedBySize: files without content cost nothing to make and everything to deliver.
func TestPublishIsBoundedBySize(t *testing.T) {
	dir := session(t, nil)
	for i := range 12 {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("out/%02d.csv", i)))
		if err != nil {
			t.Fatal(err)
		}
		size := int64(900 << 20)
		switch i {
		case 0:
			size = 1 << 40
		case 11:
			size = 1
		}
		if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Publish(dir, manifest)
	if err != nil || len(got) != 12 {
		t.Fatalf("got %d files, %v", len(got), err)
	}
	var sum int64
	for i, p := range got {
		want := "bytes is not delivered: with it the files of this job would have more than 4294967296 bytes"
		if i == 0 {
			want = "a published file has at most 1073741824"
		}
		if p.Err != nil && !strings.Contains(p.Err.Error(), want) {
			t.Errorf("%s: got %v, want %q", p.Name, p.Err, want)
		}
		if wantErr := i == 0 || i > 4 && i < 11; (p.Err != nil) != wantErr || (p.File == nil) != wantErr {
			t.Errorf("%s: %d bytes, %v", p.Name, p.Size, p.Err)
		}
		if p.Err == nil {
			sum += p.Size
		}
	}
	if sum > MaxPublishedSize {
		t.Errorf("%d bytes are published", sum)
	}
}

// TestOneBadNameHidesNothing: the others are delivered.
// TestPublishLooksAtSoMany: an App may fill its folder with names.
func TestPublishLooksAtSoMany(t *testing.T) {
	if _, err := os.Stat("/dev/shm"); err == nil {
		t.Setenv("TMPDIR", "/dev/shm") // in memory: 20000 names take a disk seconds
	}
	dir := session(t, map[string]string{"out/a.csv": "1"})
	for i := range maxSeen {
		if err := os.Symlink("x", filepath.Join(dir, fmt.Sprintf("out/b%d", i))); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Publish(dir, manifest)
	if err == nil || !strings.Contains(err.Error(), "more than 20000 files and folders in out: not all were looked at") || len(got) > 1 {
		t.Errorf("got %d files, %v", len(got), err)
	}
}

func TestOneBadNameHidesNothing(t *testing.T) {
	dir := session(t, map[string]string{"out/a\nb.csv": "", "out/b.csv": "1"})
	got, err := Publish(dir, manifest)
	if err != nil || len(got) != 2 || !errors.Is(got[0].Err, ErrHostile) || got[0].Name != "a?b.csv" || got[1].Err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

func FuzzCollect(f *testing.F) {
	f.Add("done\n", "count = 5\nparam.note = x\n")
	f.Add(strings.Repeat("ü", 300), "note =\nnote = \xff")
	f.Fuzz(func(t *testing.T, text, lines string) {
		m := message([]byte(text), false)
		if !utf8.ValidString(m) || utf8.RuneCountInString(m) > MaxMessage {
			t.Errorf("message %q", m)
		}
		got, err := results([]byte(lines), manifest)
		if err != nil {
			return
		}
		var again strings.Builder
		for name, value := range got {
			if _, ok := manifest.Param(name); !ok || strings.Contains(value, "\n") {
				t.Errorf("%q = %q", name, value)
			}
			fmt.Fprintf(&again, "%s = %s\n", name, value)
		}
		second, err := results([]byte(again.String()), manifest)
		if d := cmp.Diff(got, second); d != "" || err != nil {
			t.Errorf("%v %s", err, d)
		}
	})
}
