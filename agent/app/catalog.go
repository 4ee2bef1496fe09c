package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"tcenvsvr/agent/app/build"
	"tcenvsvr/agent/app/bytecode"
	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/app/seal"
	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/app/vet"
)

// Ref names one version of one App by content, as an order does.
type Ref struct {
	Name    string // the package's top folder, with or without _v…
	Version string // programVersion, for people
	SHA256  string // of the .tcx, 64 lower-case hex digits
	Size    int64  // of the .tcx in bytes
}

// Fetch opens a package for reading from offset. It must fail rather than begin at another offset;
// the content is verified by its hash.
type Fetch func(ctx context.Context, offset int64) (io.ReadCloser, error)

// CatalogConfig says where Apps are installed. Only Dir is required.
type CatalogConfig struct {
	Dir        string       // exchange/programs
	Limits     tcx.Limits   // of what a package expands to
	MaxPackage int64        // bytes of a .tcx; default 1 GiB
	Compiler   Compiler     // nil = Python compiles the sources of an App at each run
	Logger     *slog.Logger // nil = discard
}

// Catalog is the folder of installed Apps. Several goroutines may use it, but only one Catalog a
// folder.
type Catalog struct {
	CatalogConfig
	incoming string
	seals    string
	origins  string
	records  string
	step     func(string) // for tests: what is about to be done

	mu      sync.Mutex
	there   map[string]*installed // complete installations by sha256
	flights map[string]*flight
	damages []Damage
	known   map[string]Origin // by sha256, of those that were asked for

	compiling *build.Queue[compilation]
}

const (
	incomingName = ".incoming" // downloads and half-unpacked Apps
	sealsName    = ".seals"    // what installations must be, by sha256
	partSuffix   = ".part"
	originsName  = ".origins"  // which packages they came from, by sha256
	recordsName  = ".bytecode" // which bytecode lies in them, by sha256
	tempPrefix   = "unpack-"
	stagePrefix  = "bytecode-"
	trashPrefix  = "trash-"
	keepParts    = 7 * 24 * time.Hour
)

var digest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Open opens the catalog in c.Dir. It makes the folder if needed, removes what a crash left half
// done, and finds what is installed.
func Open(c CatalogConfig) (*Catalog, error) {
	if c.MaxPackage <= 0 {
		c.MaxPackage = 1 << 30
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	cat := &Catalog{
		CatalogConfig: c, incoming: filepath.Join(c.Dir, incomingName), seals: filepath.Join(c.Dir, sealsName),
		origins: filepath.Join(c.Dir, originsName), known: map[string]Origin{},
		records: filepath.Join(c.Dir, recordsName), step: func(string) {}, compiling: build.NewQueue[compilation](),
		there: map[string]*installed{}, flights: map[string]*flight{},
	}
	cat.compiling.Told = func(p build.Problem) {
		c.Logger.Warn("App was not compiled, or not all of it; it starts later than it could", "app", p.App, "err", p.What)
	}
	if err := makeFolder(c.Dir); err != nil {
		return nil, fmt.Errorf("opening the App catalog: %w", err)
	}
	for _, dir := range []string{cat.incoming, cat.seals, cat.origins, cat.records} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("opening the App catalog: %w", err)
		}
	}
	if err := cat.sweep(); err != nil {
		return nil, fmt.Errorf("opening the App catalog: %w", err)
	}
	if err := cat.scan(); err != nil {
		return nil, fmt.Errorf("opening the App catalog: %w", err)
	}
	return cat, nil
}

// makeFolder makes a missing folder that the sandbox user can read, whatever the umask. An existing
// folder keeps the mode that its administrator gave it.
func makeFolder(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}

// sweep removes temp folders, and downloads that were not continued for a week.
func (c *Catalog) sweep() error {
	entries, err := os.ReadDir(c.incoming)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), partSuffix) {
			if info, err := e.Info(); err == nil && time.Since(info.ModTime()) < keepParts {
				continue
			}
		}
		if err := os.RemoveAll(filepath.Join(c.incoming, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// scan finds the installations <name>_v<major>/<sha256>. They are complete, because a rename put
// them there.
func (c *Catalog) scan() error {
	families, err := os.ReadDir(c.Dir)
	if err != nil {
		return err
	}
	for _, f := range families {
		if !f.IsDir() || strings.HasPrefix(f.Name(), ".") {
			continue
		}
		versions, err := os.ReadDir(filepath.Join(c.Dir, f.Name()))
		if err != nil {
			return err
		}
		for _, v := range versions {
			if v.IsDir() && digest.MatchString(v.Name()) {
				c.there[v.Name()] = &installed{dir: filepath.Join(c.Dir, f.Name(), v.Name()), seal: c.sealOf(v.Name()), record: c.recordOf(v.Name())}
			}
		}
	}
	return errors.Join(c.sweepBeside(c.seals), c.sweepBeside(c.origins), c.sweepBeside(c.records))
}

// Lookup returns an App that is installed and undamaged. It does not find an App that cannot be
// read now; [Catalog.Install] says why.
func (c *Catalog) Lookup(ref Ref) (App, bool) {
	app, err := c.look(context.Background(), ref.SHA256)
	return app, err == nil
}

// Manifest returns the App's manifest, even if the installation is damaged; it is empty for an App
// that is not installed.
func (c *Catalog) Manifest(ref Ref) Manifest {
	if !digest.MatchString(ref.SHA256) {
		return Manifest{}
	}
	c.mu.Lock()
	i := c.there[ref.SHA256]
	c.mu.Unlock()
	if i != nil {
		i.checking.Lock()
		defer i.checking.Unlock()
		if i.look != "" {
			return i.app.Manifest
		}
	}
	_, m, err := readSeal(c.sealOf(ref.SHA256))
	if err != nil {
		c.Logger.Warn("manifest of an App is not known any more", "app", ref.Name, "err", err)
	}
	return m
}

// Install returns the App, and downloads it first if it is not installed. Concurrent callers share
// one download, which is cancelled only when all of them have given up. A download that broke off
// is resumed where it stopped, by a later call too. Errors are *[Error], or ctx's.
func (c *Catalog) Install(ctx context.Context, ref Ref, fetch Fetch) (App, error) {
	if err := c.acceptable(ref); err != nil {
		return App{}, err
	}
	for {
		app, err := c.look(ctx, ref.SHA256)
		if err == nil {
			return app, nil
		}
		if !errors.Is(err, errNotThere) {
			return App{}, err
		}
		c.mu.Lock()
		if c.there[ref.SHA256] != nil { // another caller has just installed it
			c.mu.Unlock()
			continue
		}
		f, ok := c.flights[ref.SHA256]
		if !ok {
			f = c.launch(ctx, ref, func(ctx context.Context) (App, error) { return c.fetch(ctx, ref, fetch) })
		}
		joined := f.join()
		c.mu.Unlock()
		if joined {
			return c.await(ctx, f)
		}
		<-f.done // its callers have all gone; it is about to end
	}
}

// acceptable refuses a Ref that is not safe as a file name, or too large to download.
func (c *Catalog) acceptable(ref Ref) error {
	switch {
	case !digest.MatchString(ref.SHA256):
		return fault.New(fault.Unsupported, "installing App %.100q: sha256 %.70q is no digest", ref.Name, ref.SHA256)
	case ref.Size < 1 || ref.Size > c.MaxPackage:
		return fault.New(fault.TooLarge, "installing App %.100q: size %d is outside 1–%d", ref.Name, ref.Size, c.MaxPackage)
	}
	return nil
}

// place unpacks a verified package and moves it to its name.
func (c *Catalog) place(ctx context.Context, ref Ref, file string) (app App, err error) {
	temp, err := os.MkdirTemp(c.incoming, tempPrefix)
	if err != nil {
		return App{}, storeError(fmt.Errorf("installing App %q: %w", ref.Name, err))
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(temp)
		}
	}()
	m, err := tcx.Unpack(ctx, file, temp, c.Limits)
	if err != nil {
		return App{}, wrap(err, "installing App %q", ref.Name)
	}
	if err := c.keepOrigin(ref, file); err != nil {
		return App{}, err
	}
	dir := filepath.Join(c.Dir, folder(ref.Name, m.Major()), ref.SHA256)
	sealed, err := seal.Make(ctx, temp)
	if err == nil {
		err = sealed.Write(c.sealOf(ref.SHA256)) // the seal first, then the installation
	}
	if err != nil {
		return App{}, storeError(fmt.Errorf("installing App %q: %w", ref.Name, err))
	}
	brought, err := bytecode.Brought(ctx, temp)
	if err == nil {
		err = brought.Write(c.recordOf(ref.SHA256))
	}
	if err == nil {
		err = publish(temp, dir)
	}
	if err != nil {
		return App{}, storeError(fmt.Errorf("installing App %q: %w", ref.Name, err))
	}
	app = App{Dir: dir, Manifest: m}
	info, _ := os.Lstat(c.sealOf(ref.SHA256))
	i := &installed{dir: dir, seal: c.sealOf(ref.SHA256), record: c.recordOf(ref.SHA256), look: sealed.Look, app: app, sealed: info, verified: time.Now()}
	c.know(i, brought)
	c.mu.Lock()
	c.there[ref.SHA256] = i
	c.mended(ref.SHA256)
	c.mu.Unlock()
	c.Logger.Info("app installed", "app", ref.Name, "version", m.ProgramVersion, "dir", dir)
	c.vet(ref, file)
	return app, nil
}

// vet logs what is wrong with a package that can be unpacked. The cloud has taken it, and may know
// words that this agent does not, so that is no reason to refuse it.
func (c *Catalog) vet(ref Ref, file string) {
	f, err := os.Open(file)
	if err != nil {
		return // it was read a moment ago, and is installed
	}
	defer f.Close()
	if faults := vet.Check(f); len(faults) > 0 {
		c.Logger.Warn("app has faults, and is run as it is", "app", ref.Name, "version", ref.Version, "faults", faults[:min(len(faults), maxLogged)])
	}
}

const maxLogged = 5 // faults of a package

// notInName matches what does not belong into a folder's name; versioned the version that a top
// folder carries.
var (
	notInName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
	versioned = regexp.MustCompile(`_v[0-9][0-9.]*$`)
)

// folder returns <name>_v<major>, safe as a file name. Different Apps may share one: what lies in
// it is named by content.
func folder(name, major string) string {
	name = versioned.ReplaceAllString(strings.ReplaceAll(name, " ", "_"), "")
	name = strings.TrimLeft(notInName.ReplaceAllString(name, "_"), ".")
	if len(name) > 100 {
		name = name[:100]
	}
	if name == "" {
		name = "App"
	}
	return name + "_v" + major
}
