package archive

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tcenvsvr/agent/app/build"
	"tcenvsvr/agent/app/launch"
	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/job"
)

// Config of a Store. All fields without a stated default are needed.
type Config struct {
	Programs string // exchange/programs: installations are <name>_v<major>/<sha256> in there
	Build    build.Config
	On       func() bool  // false: archives are neither used nor made; nil = always true
	MaxBytes int64        // of all archives together; default maxBytes
	Logger   *slog.Logger // nil = discard
}

// Store is the folder of archives. Several goroutines may use it, but only one Store a folder.
type Store struct {
	Config
	dir  string
	jdks jdks
	step func(string) // for tests: what has been done of a build

	queue *build.Queue[run]

	mu    sync.Mutex
	there map[string]*entry // by the SHA-256 of the App's package
}

// entry is an archive that is complete.
type entry struct {
	record
	used time.Time
}

const (
	folder     = ".archives"
	tempPrefix = ".new-"
	dataSuffix = ".jsa"
	noteSuffix = ".json"
)

// Open opens the archives below c.Programs, and removes what a crash left half done.
func Open(c Config) (*Store, error) {
	c.MaxBytes = cmp.Or(c.MaxBytes, maxBytes)
	if c.On == nil {
		c.On = func() bool { return true }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{Config: c, dir: filepath.Join(c.Programs, folder), step: func(string) {}, there: map[string]*entry{}, queue: build.NewQueue[run]()}
	s.queue.Told = func(p build.Problem) {
		c.Logger.Warn("no class-data archive is made of an App; it runs without, and starts later", "app", p.App, "err", p.What)
	}
	if err := s.scan(); err != nil {
		return nil, fmt.Errorf("opening the class-data archives: %w", err)
	}
	return s, nil
}

// scan finds complete archives and removes everything else.
func (s *Store) scan() error {
	if err := os.Mkdir(s.dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	dir, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Chmod(0o755); err != nil { // whatever the umask: the App's user must get through
		return err
	}
	files, err := dir.ReadDir(-1)
	if err != nil {
		return err
	}
	for _, f := range files {
		sha, ok := strings.CutSuffix(f.Name(), noteSuffix)
		if !ok || !digest.MatchString(sha) {
			continue
		}
		r, info, err := readRecord(filepath.Join(s.dir, f.Name()))
		if err == nil && filepath.Base(r.App) == sha {
			if look, err := lookAt(s.data(sha)); err == nil && look == r.Look {
				s.there[sha] = &entry{r, info.ModTime()}
			}
		}
	}
	for _, f := range files {
		sha := strings.TrimSuffix(strings.TrimSuffix(f.Name(), noteSuffix), dataSuffix)
		if s.there[sha] == nil {
			if err := os.RemoveAll(filepath.Join(s.dir, f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) data(sha string) string { return filepath.Join(s.dir, sha+dataSuffix) }
func (s *Store) note(sha string) string { return filepath.Join(s.dir, sha+noteSuffix) }

// Equip adds to e what the JVM of the App in dir can use: its archive or, if one is to be made, the
// wish for a list of its classes. It costs a stat call for each jar and some for the JDK.
func (s *Store) Equip(dir string, m tcx.Manifest, e *launch.Execution) {
	sha := filepath.Base(dir)
	if m.Language != "java" || !s.On() || !digest.MatchString(sha) || !launch.Mappable(s.dir) || !launch.Mappable(e.JobDir) {
		return
	}
	key, err := s.key(dir, m, *e)
	if err != nil {
		return
	}
	s.mu.Lock()
	a := s.there[sha]
	s.mu.Unlock()
	if a != nil && a.Key == key {
		if look, err := lookAt(s.data(sha)); err == nil && look == a.Look {
			s.use(sha, a)
			e.Classes = launch.Classes{Archive: s.data(sha)}
			return
		}
		s.Logger.Warn("class-data archive of an App was damaged and is removed; another one is made", "app", a.App)
		s.drop(sha, a)
	}
	e.Classes = launch.Classes{List: s.queue.Wants(dir, key)}
}

// Ended is told of each run for which Equip had something: classes. A successful run leaves the list
// of classes in its job's folder of which [Store.Run] makes an archive. It takes no time.
func (s *Store) Ended(dir string, m tcx.Manifest, classes launch.Classes, jobDir string, exit job.Exit) {
	sha := filepath.Base(dir)
	switch {
	case classes.Archive != "" && crashed(exit):
		s.mu.Lock()
		a := s.there[sha]
		s.mu.Unlock()
		if a != nil {
			s.drop(sha, a)
			s.queue.Failed(dir, a.Key, errCrashed)
		}
	case classes.List && exit.Reason == "" && exit.Signal == "" && (exit.Code == 0 || exit.Code == partial):
		key, err := s.key(dir, m, s.Build.Execution())
		if err != nil {
			return
		}
		s.queue.Add(build.Task[run]{Dir: dir, Key: key, With: run{m, jobDir}})
	}
}

// partial is the exit code of an App that did some of its work.
const partial = 3

// errCrashed says why an App gets no archive for a while.
var errCrashed = errors.New("a JVM crashed that used it")

// crashed reports whether a JVM ended as one does that found its memory damaged.
func crashed(exit job.Exit) bool {
	switch exit.Signal {
	case "SIGABRT", "SIGBUS", "SIGSEGV", "SIGILL":
		return exit.Reason == ""
	}
	return false
}

// key names all that an archive depends on.
func (s *Store) key(dir string, m tcx.Manifest, e launch.Execution) (string, error) {
	java, classes, ok := e.Java(dir, m)
	if !ok {
		return "", errJDK
	}
	j, err := s.jdks.of(java)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("1\x00%s\x00%s\x00%s", filepath.Base(dir), j.identity, classes)
	for _, jar := range filepath.SplitList(classes) { // the JVM compares size and time, too
		if info, err := os.Stat(filepath.Join(dir, jar)); err == nil {
			text += fmt.Sprintf("\x00%d %d", info.Size(), info.ModTime().Unix())
		}
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:]), nil
}

// publish gives a new file its name, and then its record.
func (s *Store) publish(temp string, r record) error {
	sha := filepath.Base(r.App)
	if err := atomicfile.Rename(temp, s.data(sha)); err != nil {
		return err
	}
	s.step("renamed")
	var err error
	if r.Look, err = lookAt(s.data(sha)); err != nil {
		return err
	}
	if err := r.write(s.note(sha)); err != nil {
		return err
	}
	s.step("recorded")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.there[sha] = &entry{r, time.Now()}
	return nil
}

// drop removes an archive, unless there is another one by now. A JVM that has mapped it keeps it.
func (s *Store) drop(sha string, a *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.there[sha] != a {
		return
	}
	delete(s.there, sha)
	// The record first: an archive without one is not used, and removed by Open.
	if err := errors.Join(gone(s.note(sha)), gone(s.data(sha))); err != nil {
		s.Logger.Warn("class-data archive was not removed", "app", a.App, "err", err)
	}
}

func gone(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Run makes archives, one after the other, until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	s.queue.Run(ctx, s.make)
	return nil
}
