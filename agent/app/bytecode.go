package app

import (
	"cmp"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tcenvsvr/agent/app/build"
	"tcenvsvr/agent/app/bytecode"
	"tcenvsvr/agent/app/seal"
	"tcenvsvr/agent/app/tcx"
)

// Compiler makes bytecode of an App's sources; *[bytecode.Compiler] is one.
type Compiler interface {
	// Interpreter is the identity of the program that runs an App, "" if that has no use for
	// bytecode. It takes no time.
	Interpreter(tcx.Manifest) string
	// Compile puts bytecode into the folder stage. An error beside a set says why there is not
	// more.
	Compile(ctx context.Context, dir string, m tcx.Manifest, old *bytecode.Record, stage string) (*bytecode.Set, error)
}

// compiled is what is known of the bytecode in an installation. installed.checking guards it, but
// for interpreter.
type compiled struct {
	known    bool        // the record was read
	codeLook string      // what the file system must report of the bytecode
	recorded fs.FileInfo // the record's file; nil if there is none

	interpreter string // that it was compiled for; guarded by Catalog.mu
}

func (c *Catalog) recordOf(sha string) string { return filepath.Join(c.records, sha) }

// know takes over what a record says that is on the disk. i.checking is held, or nobody has i yet.
func (c *Catalog) know(i *installed, r *bytecode.Record) {
	i.recorded, _ = os.Lstat(i.record)
	i.known, i.codeLook = true, r.Look
	c.mu.Lock()
	defer c.mu.Unlock()
	i.interpreter = r.Interpreter
}

// checkBytecode sees that Python finds no bytecode in an installation but what was recorded; look
// is what the file system reports of it. i.checking is held.
func (c *Catalog) checkBytecode(ctx context.Context, i *installed, look string) error {
	if !i.known {
		if r, err := bytecode.ReadRecord(i.record); err == nil {
			c.know(i, r)
		}
	}
	there, err := os.Lstat(i.record)
	untouched := err != nil && i.recorded == nil || err == nil && same(i.recorded, there)
	if i.known && untouched && i.codeLook == look {
		return nil
	}
	return c.mend(ctx, i)
}

// mend reads the bytecode of an installation, and removes what is not as it was recorded. The App
// runs without it, and is compiled again. i.checking is held.
func (c *Catalog) mend(ctx context.Context, i *installed) error {
	r, broken := bytecode.ReadRecord(i.record)
	if broken != nil { // then nobody knows what belongs there
		r = new(bytecode.Record)
	}
	left, wrong, err := bytecode.Mend(ctx, i.dir, r)
	if err != nil {
		return err
	}
	if wrong != "" || broken != nil || left.Look != r.Look {
		if err := left.Write(i.record); err != nil { // then the agent's next start finds out once more
			c.Logger.Warn("what is left of an App's bytecode was not recorded", "dir", i.dir, "err", err)
		}
	}
	c.know(i, left)
	if broken == nil && r.Look == "" { // there was none, or a crash kept it from being complete
		return nil
	}
	if broken != nil {
		wrong = broken.Error()
	}
	if wrong != "" {
		c.Logger.Warn("bytecode of an App was damaged and is removed", "app", c.nameOf(i), "damage", wrong)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.keepDamage(Damage{App: c.nameOf(i), What: wrong, Found: time.Now(), Bytecode: true})
	}
	return nil
}

// verifyBytecode reads the bytecode of an installation whatever the file system says of it.
func (c *Catalog) verifyBytecode(ctx context.Context, i *installed) error {
	i.checking.Lock()
	defer i.checking.Unlock()
	return c.mend(ctx, i)
}

// compilation is what to compile for.
type compilation struct {
	manifest    tcx.Manifest
	interpreter string
}

// Bytecode is what a status says of the bytecode of Apps.
type Bytecode struct {
	Pending  int             `json:"pending"` // Apps that are being compiled, or will be
	Problems []build.Problem `json:"problems,omitempty"`
}

// Bytecode says what is being compiled, and what could not be since the start.
func (c *Catalog) Bytecode() Bytecode {
	pending, problems := c.compiling.State()
	return Bytecode{pending, problems}
}

// Started is told of each App that was started. [Catalog.Run] compiles its sources if that has not
// been done for the interpreter in its present version. A start waits for no compiler: without
// bytecode an App does the same, and its first run would have to wait for more sources than it
// imports.
func (c *Catalog) Started(a App) {
	if c.Compiler == nil {
		return
	}
	interpreter := c.Compiler.Interpreter(a.Manifest)
	c.mu.Lock()
	i := c.there[filepath.Base(a.Dir)]
	done := i == nil || interpreter == "" || i.interpreter == interpreter
	c.mu.Unlock()
	if !done {
		c.compiling.Add(build.Task[compilation]{Dir: a.Dir, Key: a.Dir + "\x00" + interpreter, With: compilation{a.Manifest, interpreter}})
	}
}

// compile compiles an App:
//
//	Compile into stage ─► sync ─► new record ─► each file gets its name ─► new record with its look
//
// A crash before the new record changes nothing. After one behind it some of what is recorded may
// be missing: the next start finds that, and the App is compiled again.
func (c *Catalog) compile(ctx context.Context, t build.Task[compilation]) error {
	c.mu.Lock()
	i := c.there[filepath.Base(t.Dir)]
	c.mu.Unlock()
	if i == nil {
		return nil
	}
	old, err := bytecode.ReadRecord(i.record)
	if err != nil {
		old = new(bytecode.Record)
	}
	stage, err := os.MkdirTemp(c.incoming, stagePrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	begun := time.Now()
	set, problem := c.Compiler.Compile(ctx, i.dir, t.With.manifest, old, stage)
	if ctx.Err() != nil || set == nil || problem != nil && len(set.Files) == 0 {
		return problem
	}
	c.step("compiled")
	if err := set.Sync(ctx); err != nil {
		return err
	}
	interpreter := t.With.interpreter
	if problem = cmp.Or(problem, set.Refused); problem != nil {
		interpreter = "" // the agent tries again, though not soon
	}
	if err := c.publishBytecode(ctx, i, set, interpreter); err != nil {
		return err
	}
	c.Logger.Info("App was compiled", "dir", i.dir, "files", len(set.Files), "took", time.Since(begun).Round(time.Millisecond).String())
	return problem
}

// publishBytecode gives a set its names.
func (c *Catalog) publishBytecode(ctx context.Context, i *installed, set *bytecode.Set, interpreter string) error {
	i.checking.Lock()
	defer i.checking.Unlock()
	c.mu.Lock()
	current := c.there[filepath.Base(i.dir)] == i
	c.mu.Unlock()
	if !current { // it was damaged, or pruned
		return nil
	}
	old, err := bytecode.ReadRecord(i.record)
	if err != nil {
		old = new(bytecode.Record)
	}
	next := set.Record(old)
	if err := next.Write(i.record); err != nil {
		return err
	}
	c.step("recorded")
	failed := set.Place(i.dir, old, c.step)
	if failed != nil {
		if next, _, err = bytecode.Mend(ctx, i.dir, next); err != nil {
			return err
		}
	}
	looks, err := seal.Look(i.dir)
	if err != nil {
		return err
	}
	next.Look, next.Interpreter = looks.Bytecode, interpreter
	if err := next.Write(i.record); err != nil {
		return err
	}
	c.step("complete")
	c.know(i, next)
	return failed
}
