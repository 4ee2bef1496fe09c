package spec

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestLaunchKeepsItsSecrets(t *testing.T) {
	l := Launch{ID: "s", Dir: "/d", Argv: []string{"/a", "hunter2"}, Env: []string{"K=hunter2"}, Files: []File{{Path: "p", Data: []byte("hunter2")}}}
	var b bytes.Buffer
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		fmt.Fprintf(&b, format+format+format+format+"\n", l, &l, l.Files, struct{ L any }{l.Files[0]})
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(h).Info("x", "launch", l, "pointer", &l, "file", l.Files[0])
	}
	if out := b.String(); strings.Contains(out, "hunter2") || strings.Contains(out, fmt.Sprint([]byte("hunter2"))) || strings.Contains(out, fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("printed: %s", out)
	}
}

func TestValidate(t *testing.T) {
	for name, change := range map[string]func(*Launch){
		"no id":             func(l *Launch) { l.ID = "" },
		"dots":              func(l *Launch) { l.ID = ".." },
		"slash":             func(l *Launch) { l.ID = "a/b" },
		"long id":           func(l *Launch) { l.ID = strings.Repeat("x", 129) },
		"relative dir":      func(l *Launch) { l.Dir = "d" },
		"no argv":           func(l *Launch) { l.Argv = nil },
		"relative argv":     func(l *Launch) { l.Argv = []string{"sh"} },
		"relative work dir": func(l *Launch) { l.WorkDir = "w" },
		"negative":          func(l *Launch) { l.Timeout = -1 },
		"zero in argv":      func(l *Launch) { l.Argv = append(l.Argv, "a\x00b") },
		"zero in env":       func(l *Launch) { l.Env = []string{"a=b\x00c=d"} },
		"no UTF-8":          func(l *Launch) { l.Env = []string{"a=\xff"} },
		"no variable":       func(l *Launch) { l.Env = []string{"a"} },
		"no name":           func(l *Launch) { l.Env = []string{"=a"} },
		"file above":        func(l *Launch) { l.Files = []File{{Path: "../x"}} },
		"file elsewhere":    func(l *Launch) { l.Files = []File{{Path: "/etc/x"}} },
		"kept file above":   func(l *Launch) { l.Keep = []string{"out/../../x"} },
		"logs elsewhere":    func(l *Launch) { l.Logs = "/var/log" },
		"file is dir":       func(l *Launch) { l.Files = []File{{Path: "/d"}} },
		"setuid file":       func(l *Launch) { l.Files = []File{{Path: "x", Mode: 0o4755 | 1<<23}} },
	} {
		l := Launch{ID: "session-1.2_x", Dir: "/d", Argv: []string{"/bin/sh"}, Env: []string{"A="}, Files: []File{{Path: "in/x"}, {Path: "/d/y"}}}
		if err := l.Validate(); err != nil {
			t.Fatalf("a good launch: %v", err)
		}
		if change(&l); l.Validate() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// TestExitFits: the worst exit fits the room that was reserved for it.
func TestExitFits(t *testing.T) {
	long := strings.Repeat("\"\\\n\t<&>", 10000)
	e := Exit{
		Code: -1, Signal: "SIGXXXXXXXXXXXXX", Reason: ReasonStartFailed, Error: long, StderrTail: long,
		Started: time.Now(), Ended: time.Now(), Killed: 1 << 30,
		Stdout: Output{1 << 62, 1 << 62, long}, Stderr: Output{1 << 62, 1 << 62, long}, Log: Output{1 << 62, 1 << 62, long},
	}
	data, err := EncodeExit(e)
	if err != nil || len(data) > ReserveSize {
		t.Errorf("%d bytes, reserved %d, %v", len(data), ReserveSize, err)
	}
	if _, err := DecodeExit(data); err != nil {
		t.Error(err)
	}
}

// Records cross versions: what a newer shim says besides is ignored by an older agent, and
// everything it knows is checked as ever.
func TestRecordsOfANewerShim(t *testing.T) {
	const (
		future = `"future":{"a":[1,"x"]},`
		state  = `{` + future + `"state":"running","shim_pid":17,"boot_id":"b"}`
		times  = `"started":"2026-01-01T00:00:00Z","ended":"2026-01-01T00:00:01Z"`
	)
	if s, err := DecodeStatus([]byte(state)); err != nil || s.ShimPID != 17 {
		t.Errorf("status: %+v, %v", s, err)
	}
	if e, err := DecodeExit([]byte(`{` + future + `"code":3,"log":{` + future + `"kept":4},` + times + `}`)); err != nil || e.Code != 3 || e.Log.Kept != 4 {
		t.Errorf("exit: %+v, %v", e, err)
	}
	if r, err := DecodeReply([]byte(`{` + future + `"status":` + state + `}`)); err != nil || r.Status == nil || r.Status.ShimPID != 17 {
		t.Errorf("reply: %+v, %v", r, err)
	}
	for name, err := range map[string]error{
		"status without a shim": second(DecodeStatus([]byte(`{` + future + `"state":"running"}`))),
		"exit without times":    second(DecodeExit([]byte(`{` + future + `"code":0}`))),
		"exit too large":        second(DecodeExit([]byte(`{"future":"` + strings.Repeat("x", MaxRecord) + `",` + times + `}`))),
		"two exits":             second(DecodeExit([]byte(`{` + future + times + `}{}`))),
		"reply of no shim":      second(DecodeReply([]byte(`{` + future + `"status":{"state":"running"}}`))),
	} {
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: got %v, want %v", name, err, ErrCorrupt)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func FuzzDecodeExit(f *testing.F) {
	f.Add([]byte(`{"code":3,"signal":"SIGTERM","reason":"cancelled","error":"e","stderr_tail":"t\n","started":"2026-01-01T00:00:00Z","ended":"2026-01-01T00:00:01.5+02:00","stdout":{"written":5,"kept":4,"error":"x"},"stderr":{"written":0,"kept":0},"killed":2}   `))
	f.Add([]byte(`{"code":1e3,"future":{}}`))
	f.Add([]byte(`{}{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := DecodeExit(data)
		if err != nil {
			return
		}
		if !utf8.ValidString(e.StderrTail) || len(e.StderrTail) > MaxTail || e.Killed < 0 {
			t.Errorf("accepted %+v", e)
		}
		again, err := EncodeExit(e)
		if err != nil || len(again) > ReserveSize {
			t.Fatalf("encoding what was decoded: %d bytes, %v", len(again), err)
		}
		e2, err := DecodeExit(again)
		if diff := cmp.Diff(e, e2); err != nil || diff != "" {
			t.Errorf("%v, %s", err, diff)
		}
	})
}

func FuzzDecodeStatus(f *testing.F) {
	f.Add([]byte(`{"state":"running","shim_pid":17,"app_pid":18,"shim_start":1,"app_start":2,"boot_id":"b","files":["in/x"]}`))
	f.Add([]byte(`{"state":"fenced"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := DecodeStatus(data)
		if err != nil {
			return
		}
		again, err := Encode(s)
		if err != nil {
			t.Fatal(err)
		}
		s2, err := DecodeStatus(again)
		if len(s.Files) == 0 {
			s.Files = nil
		}
		if diff := cmp.Diff(s, s2); err != nil || diff != "" {
			t.Errorf("%v, %s", err, diff)
		}
	})
}

func FuzzDecodeReply(f *testing.F) {
	f.Add([]byte(`{"status":{"state":"running","shim_pid":17}}`))
	f.Add([]byte(`{"code":"job.workdir","error":"e","killed":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := DecodeReply(data)
		if err == nil && r.Status != nil && r.Status.ShimPID < 2 {
			t.Errorf("accepted %+v", r)
		}
	})
}

// TestWithin: what is asked for lowers limits and never raises them.
func TestWithin(t *testing.T) {
	host := Limits{Memory: 512, Tasks: 0, CPUWeight: 100, OpenFiles: 7}
	for name, test := range map[string]struct{ asked, want Limits }{
		"nothing": {Limits{}, host},
		"less":    {Limits{Memory: 256, Tasks: 64, CPUWeight: 50}, Limits{Memory: 256, Tasks: 64, CPUWeight: 50, OpenFiles: 7}},
		"more":    {Limits{Memory: 1024, CPUWeight: 200, OpenFiles: 9}, host},
	} {
		if got := host.Within(test.asked); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}
