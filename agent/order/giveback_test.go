package order

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/agent/host/fitness"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/order/journal"
)

// released is an Agent that counts.
type released int

func (r *released) Release(*Order) { *r++ }
func (*released) Remove(*Order)    {}
func (*released) Disowned(*Order)  {}

// TestGiveBackIsAudited: a sudo that refuses is the host's fault, and an act to be recorded.
func TestGiveBackIsAudited(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Open(filepath.Join(dir, "journal"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	var unfit string
	var agent released
	o := New(&Config{
		Agent: &agent, Sessions: &Sessions{}, Journal: j, JobsDir: dir,
		Unfit: func(code string, _ error) { unfit = code },
		Audit: audit.Open(filepath.Join(dir, "audit.jsonl")), Logger: slog.New(slog.DiscardHandler),
	}, wire.Order{Ref: wire.Ref{Order: "sandboxed", Attempt: 1}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // nobody waits for an answer
	o.giveBack(ctx, job.CodeRefused, &job.StartError{Code: job.CodeRefused, Err: errors.New("sudo: a password is required")})
	text, err := os.ReadFile(filepath.Join(dir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"act":"sudo_refused","user":`, `"order":"sandboxed.1","app":"","said":"sudo: a password is required"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the audit log lacks %s:\n%s", want, text)
		}
	}
	if unfit != job.CodeRefused || agent != 1 || !o.Returned() {
		t.Errorf("unfit %q, released %d times, returned: %v", unfit, agent, o.Returned())
	}
}

// TestUnfit: only what certainly did not start, and for the host's fault, is given back.
func TestUnfit(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		code string
	}{
		{"full disk", &job.StartError{Code: job.CodeNoSpace, Err: errors.New("full")}, fitness.NoSpace},
		{"sudo", &job.StartError{Code: job.CodeRefused, Err: errors.New("no")}, job.CodeRefused},
		{"in doubt", &job.StartError{Code: job.CodeNoSpace, Doubt: true, Err: errors.New("full")}, ""},
		{"journal", HostError(errors.New("bad block")), fitness.IO},
		{"the order's own", errTooLate, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if code, is := Unfit(tc.err); code != tc.code || is != (tc.code != "") {
				t.Errorf("got %q, %v; want %q", code, is, tc.code)
			}
		})
	}
}
