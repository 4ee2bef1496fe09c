package job

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"tcenvsvr/agent/job/internal/sock"
	"tcenvsvr/agent/job/internal/spec"
	"tcenvsvr/agent/job/internal/warm"
)

// The nouns of templates; see package warm below internal.
type (
	// Program is what a template runs.
	Program = warm.Program
	// Module is one that a template imports.
	Module = warm.Module
	// TemplateReport is what a template says of itself.
	TemplateReport = warm.Report
	// Warm names the template that is to fork an App, in [Launch].
	Warm = spec.Warm
)

// StartTemplate starts a process that imports what the program bundles, and forks Apps for Launches
// whose Warm names it. l is as for an order of the App, without anything of an order: its Argv is the
// interpreter, to which the program's Target is added, its Env that of the program, and what it is to
// see of its own folder is added to its isolation.
//
// The template takes orders as long as somebody waits for its end ([Process.Wait]); then it ends with
// the last order. Its [Exit] says why it could not serve, if it could not.
func (e *Executor) StartTemplate(ctx context.Context, l Launch, p Program) (*Process, error) {
	p.Hook = filepath.Join(l.Dir, "in")
	source, err := warm.Source(p)
	if err != nil {
		return nil, &StartError{Code: spec.CodeLaunch, Err: fmt.Errorf("making the fork server: %w", err)}
	}
	hook := filepath.Join(p.Hook, "sitecustomize.py")
	l.Template, l.Key, l.Warm, l.Program = true, rand.Text(), nil, nil
	l.Argv = append(slices.Clip(l.Argv), p.Target...)
	l.Env = append(slices.Clip(p.Env), "PYTHONPATH="+p.Hook)
	l.Files = append(slices.Clip(l.Files), File{Path: hook, Mode: 0o600, Data: source})
	l.Isolation.Show = append(slices.Clip(l.Isolation.Show), hook)
	t, err := e.Start(ctx, l)
	if t != nil {
		t.key = l.Key
	}
	return t, err
}

// Report is what the template says of itself now.
func (p *Process) Report(ctx context.Context) (TemplateReport, error) {
	line, err := p.talk(ctx, sock.Report)
	if err != nil {
		return TemplateReport{}, fmt.Errorf("asking the template: %w", err)
	}
	var r TemplateReport
	if err := json.Unmarshal(line, &r); err != nil {
		return TemplateReport{}, fmt.Errorf("asking the template: %w", err)
	}
	return r, nil
}

// Warm names this template for a [Launch].
func (p *Process) Warm() *Warm {
	return &Warm{Dir: p.dir, Shim: p.status.ShimPID, Token: p.status.Token, Key: p.key}
}

// Running reports whether the shim runs.
func (p *Process) Running() bool { return p.alive() }
