//go:build unix

package archive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcenvsvr/agent/app/build"
	"tcenvsvr/agent/app/launch"
	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/job"
	"tcenvsvr/agent/job/janitor"
)

// childVar makes the test program an agent that makes an archive and is killed: FOLDER STEP.
const childVar = "ARCHIVE_CHILD"

func TestMain(m *testing.M) {
	switch child := strings.Fields(os.Getenv(childVar)); {
	case job.IsShim(os.Args):
		os.Exit(job.ShimMain(os.Stdin, os.Stdout, os.Stderr))
	case len(child) == 2:
		os.Exit(dieAt(child[0], child[1]))
	}
	os.Exit(m.Run())
}

// place is a host with an App, a JDK and an agent.
type place struct {
	dir, java string
	manifest  tcx.Manifest
	isolation job.Level
	sandboxed bool
}

// newPlace makes a place whose JDK is a shell script: build is what it does instead of making an
// archive; $archive names that.
func newPlace(t testing.TB, build string) *place {
	t.Helper()
	p := &place{dir: t.TempDir()}
	p.java = filepath.Join(p.dir, "jdk")
	for name, text := range map[string]string{
		"jdk/bin/java":             "#!/bin/sh\nfor a; do case $a in -XX:SharedArchiveFile=*) archive=${a#*=};; esac; done\n" + build + "\n",
		"jdk/release":              "JAVA_VERSION=\"17.0.1\"\nJAVA_RUNTIME_VERSION=\"17.0.1+2-x\"\n",
		"jdk/lib/modules":          "modules",
		"jdk/lib/server/libjvm.so": "jvm",
	} {
		write(t, filepath.Join(p.dir, name), text, 0o755)
	}
	for _, jobs := range []string{"jobs"} {
		if err := os.Mkdir(filepath.Join(p.dir, jobs), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p.manifest = tcx.Manifest{Language: "java", Main: "tc.test.Main"}
	write(t, filepath.Join(p.app(), "app.jar"), "jar", 0o644)
	return p
}

func write(t testing.TB, file, text string, mode os.FileMode) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), mode)); err != nil {
		t.Fatal(err)
	}
}

// good makes what a JVM of newPlace would make.
const good = `printf '\242\253\013\360 OpenJDK 64-Bit Server VM (17.0.1+2-x) for linux' > "$archive"; head -c 2000000 /dev/zero >> "$archive"`

func (p *place) programs() string { return filepath.Join(p.dir, "programs") }
func (p *place) app() string      { return filepath.Join(p.programs(), "App_v1", sha) }

func (p *place) execution() launch.Execution { return launch.Execution{JavaHome: p.java} }

func (p *place) config() (Config, error) {
	jobs, err := job.NewExecutor(job.Config{})
	return Config{Programs: p.programs(), Build: build.Config{
		Jobs: jobs, Sandboxed: p.sandboxed, Execution: p.execution,
		World: func(context.Context) (job.Isolation, error) { return job.Isolation{Level: p.isolation}, nil },
		Folder: func() (session, dir string, remove func(), err error) {
			session = fmt.Sprintf("%s%d", janitor.Build, time.Now().UnixNano())
			dir = filepath.Join(p.dir, "jobs", session)
			return session, dir, func() { _ = os.RemoveAll(dir) }, janitor.Make(dir)
		},
	}}, err
}

func (p *place) open(t testing.TB) *Store {
	t.Helper()
	c, err := p.config()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// equip asks what a run of the App in dir gets.
func (p *place) equip(s *Store, dir string) launch.Classes {
	e := p.execution()
	e.JobDir = filepath.Join(p.dir, "jobs", "session-1")
	s.Equip(dir, p.manifest, &e)
	return e.Classes
}

// ran has a run of the App end well, which left a list.
func (p *place) ran(t testing.TB, s *Store, dir string) {
	t.Helper()
	jobDir := filepath.Join(p.dir, "jobs", "session-1")
	write(t, filepath.Join(jobDir, filepath.FromSlash(launch.ClassList)), classList(200), 0o600)
	s.Ended(dir, p.manifest, launch.Classes{List: true}, jobDir, job.Exit{})
}

// work makes the archives in the queue.
func work(t testing.TB, s *Store) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Run(ctx) }()
	for deadline := time.Now().Add(2 * time.Minute); s.Status().Pending > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Error("the queue does not end")
			break
		}
	}
	stop()
	<-done
}
