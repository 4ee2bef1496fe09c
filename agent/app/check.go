package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"tcenvsvr/agent/app/seal"
)

// installed is one installation.
type installed struct {
	dir, seal, record string

	begun    atomic.Uint64   // checks
	checking sync.Mutex      // one check at a time; guards what follows
	sound    uint64          // the last check that found nothing wrong
	looked   [busy]time.Time // when the last checks began, the newest first
	look     string          // what the file system must report of it; "" until the seal was read
	app      App
	sealed   fs.FileInfo // of the seal, when it was read or written
	compiled             // its bytecode

	verified time.Time // when its contents were read last; guarded by Catalog.mu
}

// errNotThere means that an App has to be downloaded.
var errNotThere = errors.New("the App is not installed")

// damaged is the error of an installation that has changed since it was installed.
type damaged struct{ what string }

func (d damaged) Error() string { return d.what }

// Damage describes an installation that was found damaged.
type Damage struct {
	App   string    `json:"app"` // <name>_v<major>/<sha256>
	What  string    `json:"what"`
	Found time.Time `json:"found"`
	// Mended is when it was downloaded again, which the next order causes; zero before that.
	Mended time.Time `json:"mended,omitzero"`
	// Bytecode means that only bytecode was damaged. It is removed already, and compiled again when the
	// App is started.
	Bytecode bool `json:"bytecode,omitempty"`
}

// String describes the damage on one line, with enough of the digest to tell versions apart.
func (d Damage) String() string {
	state := "the next order downloads it again"
	if !d.Mended.IsZero() {
		state = "downloaded again at " + d.Mended.Format(time.DateTime)
	}
	name := filepath.Join(filepath.Dir(d.App), filepath.Base(d.App)[:min(12, len(filepath.Base(d.App)))])
	if d.Bytecode {
		return fmt.Sprintf("bytecode of %s was damaged: %s (found and removed at %s; it is compiled again)", name, d.What, d.Found.Format(time.DateTime))
	}
	return fmt.Sprintf("%s was damaged: %s (found at %s; %s)", name, d.What, d.Found.Format(time.DateTime), state)
}

// maxDamages is how many are remembered.
const maxDamages = 20

// Damages are those found since the start, oldest first.
func (c *Catalog) Damages() []Damage {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Damage(nil), c.damages...)
}

func (c *Catalog) sealOf(sha string) string { return filepath.Join(c.seals, sha) }

// look finds an installation and checks it. The error is errNotThere if there is none, or if it is
// damaged; a damaged one is forgotten. Any other error is an *Error and means that it could not be
// read.
func (c *Catalog) look(ctx context.Context, sha string) (App, error) {
	c.mu.Lock()
	i := c.there[sha]
	c.mu.Unlock()
	if i == nil {
		return App{}, errNotThere
	}
	app, err := c.inspect(ctx, i)
	if d, ok := errors.AsType[damaged](err); ok {
		c.lose(sha, i, d)
		return App{}, errNotThere
	}
	if err != nil && ctx.Err() == nil {
		err = storeError(fmt.Errorf("checking the App in %q: %w", i.dir, err))
	}
	return app, err
}

// An App that is started often is not looked at for each start: to look at 2,000 files takes 3 ms of a processor. Of
// an App that was looked at busy times within a second, a look counts for lookCounts. It says no less than any
// look: interpreters read the files of such an App for longer than that after it.
const (
	busy       = 4
	lookCounts = 100 * time.Millisecond
)

// inspect compares an installation with its seal by what the file system reports, and by its
// contents if that has changed, e.g. after a backup was restored or a file system relabelled. Callers
// that wait for each other share the next check: it begins after they have come, so it sees all that
// they would.
func (c *Catalog) inspect(ctx context.Context, i *installed) (App, error) {
	next := i.begun.Load() + 1
	c.step("asked")
	i.checking.Lock()
	defer i.checking.Unlock()
	now := time.Now()
	isBusy := now.Sub(i.looked[busy-1]) < time.Second && now.Sub(i.looked[0]) < lookCounts
	if i.sound >= next || isBusy && i.sound == i.begun.Load() {
		return i.app, nil
	}
	this := i.begun.Add(1)
	copy(i.looked[1:], i.looked[:])
	i.looked[0] = now
	app, err := c.check(ctx, i)
	if err == nil {
		i.sound = this
	}
	return app, err
}

// check is the check itself. i.checking is held.
func (c *Catalog) check(ctx context.Context, i *installed) (App, error) {
	if i.look == "" {
		s, m, err := readSeal(i.seal)
		if err != nil {
			return App{}, err
		}
		i.look, i.app = s.Look, App{Dir: i.dir, Manifest: m}
		i.sealed, _ = os.Lstat(i.seal)
	}
	now, err := seal.Look(i.dir)
	if err == nil && now.App == i.look {
		if there, err := os.Lstat(i.seal); err != nil || !same(i.sealed, there) {
			c.reseal(ctx, i)
		}
		return i.app, c.checkBytecode(ctx, i, now.Bytecode)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return App{}, err
	}
	s, _, err := readSeal(i.seal)
	if err != nil {
		return App{}, err
	}
	if err := contents(ctx, s, i.dir); err != nil {
		return App{}, err
	}
	s.Look = now.App
	if err := s.Write(i.seal); err != nil { // then the agent's next start reads the contents once more
		c.Logger.Warn("App is as it was, and its new seal was not written", "dir", i.dir, "err", err)
	}
	c.Logger.Info("App was touched and is as it was", "dir", i.dir)
	i.look = now.App
	i.sealed, _ = os.Lstat(i.seal)
	return i.app, c.checkBytecode(ctx, i, now.Bytecode)
}

// same reports whether a file was not touched.
func same(a, b fs.FileInfo) bool {
	return a != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// reseal writes the seal again if it was touched although the installation was not. i.checking is
// held.
func (c *Catalog) reseal(ctx context.Context, i *installed) {
	s, err := seal.Make(ctx, i.dir)
	if err == nil && s.Look == i.look {
		err = s.Write(i.seal)
	}
	if err != nil {
		c.Logger.Warn("seal of an App was damaged and could not be replaced", "dir", i.dir, "err", err)
		return
	}
	c.Logger.Warn("seal of an App was damaged and is replaced", "dir", i.dir)
	i.sealed, _ = os.Lstat(i.seal)
}

// contents reads an installation and returns a damaged error if it has changed.
func contents(ctx context.Context, s *seal.Seal, dir string) error {
	what, err := s.Damage(ctx, dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return damaged{"it is missing"}
	case err != nil:
		return err
	case what != "":
		return damaged{what}
	}
	return nil
}

func readSeal(file string) (*seal.Seal, Manifest, error) {
	s, err := seal.Read(file)
	if errors.Is(err, seal.ErrBroken) {
		return nil, Manifest{}, damaged{err.Error()}
	}
	if err != nil {
		return nil, Manifest{}, err
	}
	m, err := ParseManifest(s.Manifest)
	if err != nil {
		return nil, Manifest{}, damaged{err.Error()}
	}
	return s, m, nil
}

// lose forgets a damaged installation. The next order downloads the App again, which replaces it.
func (c *Catalog) lose(sha string, i *installed, d damaged) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.there[sha] != i {
		return // another caller did
	}
	delete(c.there, sha)
	c.keepDamage(Damage{App: c.nameOf(i), What: d.what, Found: time.Now()})
	c.Logger.Warn("installed App is damaged and will be downloaded again", "app", c.nameOf(i), "damage", d.what)
}

// nameOf is <name>_v<major>/<sha256>.
func (c *Catalog) nameOf(i *installed) string {
	name, err := filepath.Rel(c.Dir, i.dir)
	if err != nil {
		return i.dir
	}
	return name
}

// keepDamage remembers a damage. c.mu is held.
func (c *Catalog) keepDamage(d Damage) {
	c.damages = append(c.damages, d)
	c.damages = c.damages[max(0, len(c.damages)-maxDamages):]
}

// mended records that a damaged App was installed again. c.mu is held.
func (c *Catalog) mended(sha string) {
	for n := range c.damages {
		if d := &c.damages[n]; filepath.Base(d.App) == sha && d.Mended.IsZero() && !d.Bytecode {
			d.Mended = time.Now()
		}
	}
}

// sweepBeside removes seals, or origins, that have no installation.
func (c *Catalog) sweepBeside(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if c.there[e.Name()] == nil {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

const (
	// verifyEvery is how often an App's contents are read, whatever the file system says of it.
	verifyEvery = 24 * time.Hour
	// verifyPause is the time between one App and the next, and before the first.
	verifyPause = 10 * time.Minute
)

// Run compiles the Apps that were started, and verifies the contents of all installations, each
// every day, until ctx ends: a disk may damage files that nobody touched.
func (c *Catalog) Run(ctx context.Context) error {
	var compiler sync.WaitGroup
	defer compiler.Wait()
	compiler.Go(func() { c.compiling.Run(ctx, c.compile) })
	for tick := time.NewTicker(verifyPause); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return nil
		case <-tick.C:
			c.Verify(ctx, verifyEvery)
		}
	}
}

// Verify reads the contents of the installation that was verified least recently, if that was
// longer ago than age.
func (c *Catalog) Verify(ctx context.Context, age time.Duration) {
	c.mu.Lock()
	var oldest string
	for sha, i := range c.there {
		if oldest == "" || i.verified.Before(c.there[oldest].verified) {
			oldest = sha
		}
	}
	i := c.there[oldest]
	if i == nil || time.Since(i.verified) < age {
		c.mu.Unlock()
		return
	}
	i.verified = time.Now()
	c.mu.Unlock()
	s, _, err := readSeal(i.seal)
	if err == nil {
		err = contents(ctx, s, i.dir)
	}
	if err == nil {
		err = c.verifyBytecode(ctx, i)
	}
	if d, ok := errors.AsType[damaged](err); ok {
		c.lose(oldest, i, d)
	} else if err != nil && ctx.Err() == nil {
		c.Logger.Warn("App could not be read", "dir", i.dir, "err", err)
	}
}
