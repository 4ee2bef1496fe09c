package archive

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"tcenvsvr/agent/app/build"
	"tcenvsvr/agent/app/launch"
	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/disk/space"
	"tcenvsvr/agent/job"
)

// What one build may cost. An App with 3,300 classes takes 2.5 s of processor time.
var cost = build.Cost{
	Timeout: 2 * time.Minute, Memory: 1 << 30,
	Tasks:    200, // a JVM has some threads for each processor
	FileSize: maxArchive,
}

// reserve is what stays free on the disk, in bytes.
const reserve = 256 << 20

// built is the archive's name in the folder out of the job that makes it.
const built = "classes.jsa"

// run is the run of an App that left a list.
type run struct {
	manifest tcx.Manifest
	jobDir   string
}

// make makes the archive of one App.
func (s *Store) make(ctx context.Context, t build.Task[run]) error {
	begun := time.Now()
	list, err := takeList(t.With.jobDir)
	if err != nil {
		return err
	}
	e := s.Build.Execution()
	java, _, ok := e.Java(t.Dir, t.With.manifest)
	if !ok {
		return errJDK
	}
	j, err := s.jdks.of(java)
	if err != nil {
		return err
	}
	if err := space.Check(s.dir, 2*maxArchive+reserve); err != nil {
		return err
	}
	temp := filepath.Join(s.dir, tempPrefix+filepath.Base(t.Dir))
	_ = os.Remove(temp)
	defer func() { _ = os.Remove(temp) }()
	r := record{App: t.App(), Key: t.Key}
	dump := func(e launch.Execution) (job.Launch, error) { return e.ClassDump(t.Dir, t.With.manifest, list, built) }
	err = s.Build.Run(ctx, cost, dump, func(out *os.Root) (err error) {
		s.step("built")
		r.Size, r.SHA256, err = take(ctx, out, built, temp, j)
		return err
	})
	if err != nil {
		return err
	}
	s.step("copied")
	// The JDK, the settings or the App may have changed meanwhile: then it is the archive of nobody
	// knows what.
	if key, err := s.key(t.Dir, t.With.manifest, s.Build.Execution()); err != nil || key != t.Key {
		return cmp.Or(err, errChanged)
	}
	if err := s.publish(temp, r); err != nil {
		return err
	}
	s.Logger.Info("class-data archive made", "app", t.App(), "bytes", r.Size, "took", time.Since(begun).Round(time.Millisecond).String())
	return s.Prune()
}

var errChanged = errors.New("the App or its JDK changed while its class-data archive was made")
