package submission_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/app/signature"
	"tcenvsvr/agent/link/signed"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/api/v1"
	"tcenvsvr/cmd/tccloud/internal/catalog"
	"tcenvsvr/cmd/tccloud/internal/cli/submission"
)

func pkg() *v1.App {
	return &v1.App{
		AppRef: wire.AppRef{Name: "My_App", Version: "1.0.0", Size: 7, SHA256: wire.SHA256(strings.Repeat("a", 64))}, Runtime: wire.RuntimePlaybook,
		Params:  []catalog.Param{{Name: "user", Required: true}, {Name: "password", Encrypt: true}, {Name: "port", Default: "443"}},
		Outputs: []catalog.Output{{Name: "out", Type: "String"}}, TimeoutMinutes: 2,
	}
}

func request() v1.NewExecution {
	five := 5
	return v1.NewExecution{
		ID: "id-1", Environment: "lab", App: "My App", Version: "1.0.0", Priority: &five, Limits: wire.Limits{MemoryMB: 64, Tasks: 20},
		Params: map[string]string{"user": "ada", "password": "s3cr3t"},
	}
}

// draft is what an honest cloud answers.
func draft() v1.Draft {
	p := pkg()
	return v1.Draft{Environment: "lab", SHA256: wire.SHA256(strings.Repeat("b", 64)), Order: &wire.Order{
		Ref: wire.Ref{Order: "id-1", Attempt: 1}, Runtime: p.Runtime, App: p.AppRef,
		Params:   map[string]string{"user": "ada", "password": "s3cr3t", "port": "443"},
		Defaults: map[string]string{"tc_user_id": "1"}, KVContext: "id-1", OutVariables: []string{"#App:1:out!String"},
		TimeoutMS: 120_000, Priority: 5, Limits: wire.Limits{MemoryMB: 64, Tasks: 20},
	}}
}

// TestCheck: a cloud that was taken over drafts something else.
func TestCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*v1.Draft)
		want   string
		needs  bool // the package: without it nobody can tell
	}{
		"another order":          {change: func(d *v1.Draft) { d.Order.Order = "id-0" }, want: `its order should be "id-1" and is "id-0"`},
		"no order":               {change: func(d *v1.Draft) { d.Order = nil }, want: "it has no order"},
		"another environment":    {change: func(d *v1.Draft) { d.Environment = "plant" }, want: `its environment should be "lab" and is "plant"`},
		"another app":            {change: func(d *v1.Draft) { d.Order.App.Name = "Other" }, want: `its App should be "My App" and is "Other"`},
		"another version":        {change: func(d *v1.Draft) { d.Order.App.Version = "0.9.0" }, want: `its version should be "1.0.0" and is "0.9.0"`},
		"another package":        {func(d *v1.Draft) { d.Order.App.SHA256 = wire.SHA256(strings.Repeat("c", 64)) }, `and is "My_App@1.0.0, 7 bytes, SHA-256 ccc`, true},
		"another size":           {func(d *v1.Draft) { d.Order.App.Size++ }, `and is "My_App@1.0.0, 8 bytes, SHA-256 aaa`, true},
		"another runtime":        {func(d *v1.Draft) { d.Order.Runtime = wire.RuntimeJob }, `its runtime level should be "playbook" and is "job"`, true},
		"a changed parameter":    {change: func(d *v1.Draft) { d.Order.Params["user"] = "eve" }, want: `parameter "user" is missing or has another value`},
		"a missing parameter":    {change: func(d *v1.Draft) { delete(d.Order.Params, "password") }, want: `parameter "password" is missing or has another value`},
		"one parameter more":     {func(d *v1.Draft) { d.Order.Params["command"] = "rm" }, `it sets parameter "command", which was not given and has no default`, true},
		"another default":        {func(d *v1.Draft) { d.Order.Params["port"] = "80" }, "a parameter that was not given differs from its default in the package", true},
		"no default":             {func(d *v1.Draft) { delete(d.Order.Params, "port") }, "a parameter that was not given differs from its default in the package", true},
		"a parameter as default": {change: func(d *v1.Draft) { d.Order.Defaults["command"] = "rm" }, want: `it sets "command" for the platform, which only has tc_ and api_ parameters`},
		"another timeout":        {func(d *v1.Draft) { d.Order.TimeoutMS = 7 * 24 * 3_600_000 }, `its timeout should be "2m0s" and is "168h0m0s"`, true},
		"another priority":       {change: func(d *v1.Draft) { d.Order.Priority = 9 }, want: `its priority should be "5" and is "9"`},
		"run again and again":    {change: func(d *v1.Draft) { d.Order.Retryable = true }, want: `its retryable should be "false" and is "true"`},
		"other outputs":          {func(d *v1.Draft) { d.Order.OutVariables = nil }, `its output variables should be "[#App:1:out!String]" and is "[]"`, true},
		"no limits":              {change: func(d *v1.Draft) { d.Order.Limits = wire.Limits{} }, want: `its limits should be "memory 64 MiB, 20 tasks" and is ""`},
		"less memory":            {change: func(d *v1.Draft) { d.Order.Limits.MemoryMB = 16 }, want: `and is "memory 16 MiB, 20 tasks"`},
		"other tasks":            {change: func(d *v1.Draft) { d.Order.Limits.Tasks++ }, want: `and is "memory 64 MiB, 21 tasks"`},
		"a limit nobody set":     {change: func(d *v1.Draft) { d.Order.Limits.CPUWeight = 1 }, want: "CPU weight 1"},
		"a token":                {change: func(d *v1.Draft) { d.Order.Token = "t" }, want: "it has a token or a signature"},
	} {
		t.Run(name, func(t *testing.T) {
			d := draft()
			tt.change(&d)
			_, err := (submission.Asked{Request: request(), Package: pkg()}).Check(d)
			if !errors.Is(err, submission.ErrDiffers) || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("with the package: got %v, want %q", err, tt.want)
			}
			_, err = submission.Asked{Request: request()}.Check(d)
			if noticed := errors.Is(err, submission.ErrDiffers); noticed == tt.needs {
				t.Errorf("without the package: got %v", err)
			}
		})
	}
	if _, err := (submission.Asked{Request: request(), SHA256: wire.SHA256(strings.Repeat("d", 64))}).Check(draft()); !errors.Is(err, submission.ErrDiffers) || !strings.Contains(err.Error(), `its SHA-256 should be "ddd`) {
		t.Errorf("another SHA-256: got %v, want ErrDiffers", err)
	}
	for _, want := range []string{"timeout", "output variables"} {
		q := request()
		if q.OutVariables = []string{"#App:1:x!String"}; want == "timeout" {
			q.TimeoutMS = 5000
		}
		if _, err := (submission.Asked{Request: q}).Check(draft()); !errors.Is(err, submission.ErrDiffers) || !strings.Contains(err.Error(), "its "+want) {
			t.Errorf("got %v, want ErrDiffers of %s", err, want)
		}
	}
}

// TestReport: what is from the cloud is shown with its value, what is the operator's own never.
func TestReport(t *testing.T) {
	for by, asked := range map[string]submission.Asked{
		"package": {Request: request(), Package: pkg()}, "sha256": {Request: request(), SHA256: pkg().SHA256}, "name": {Request: request()},
	} {
		r, err := asked.Check(draft())
		if err != nil || r.AppCheckedBy != by {
			t.Fatalf("got %q, %v, want %q", r.AppCheckedBy, err, by)
		}
		from := map[string]string{}
		for _, p := range r.Params {
			from[p.Name] = p.From + p.Value
		}
		want := map[string]string{"user": "given", "password": "given", "port": "cloud443"}
		if by == "package" {
			want["port"] = "default443"
		}
		if !maps.Equal(from, want) {
			t.Errorf("%s: got %v, want %v", by, from, want)
		}
		var text strings.Builder
		r.Print(&text)
		data, err := json.Marshal(r)
		if err != nil || strings.Contains(text.String()+string(data), "s3cr3t") || strings.Contains(text.String(), "ada") {
			t.Errorf("%v: %s %s", err, text.String(), data)
		}
	}
}

// TestSign: what is submitted verifies as what was drafted.
func TestSign(t *testing.T) {
	k, err := signature.Generate()
	if err != nil {
		t.Fatal(err)
	}
	q, d, now := request(), draft(), time.Now()
	until, err := submission.Sign(&q, d, k, now, time.Minute)
	if err != nil || !until.Equal(now.Add(time.Minute)) || q.Draft != d.SHA256 || q.KVContext != "id-1" {
		t.Fatalf("got %v, %v, %+v", until, err, q)
	}
	s, err := signed.Parse(q.Signature)
	if err != nil {
		t.Fatal(err)
	}
	public := k.Public()
	keys := []signed.Key{{Name: "me", ID: signed.KeyID(public.ID), Public: slices.Clone(public.Key[:])}}
	if _, err := signed.Verify(d.Order, s, "lab", keys, now); err != nil {
		t.Error(err)
	}
	if _, err := submission.Sign(&q, d, k, now, 32*24*time.Hour); err == nil {
		t.Error("signed for longer than servers remember")
	}
}
