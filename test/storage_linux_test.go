package test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"tcenvsvr/test/disk"
	"tcenvsvr/test/need"
)

// TestCloudDiskGoesAway: the disk with all that a cloud keeps is gone while one order runs and the
// other one's result is on its way, and comes back with what was durable. Nobody restarts anything:
// both orders end as what they are.
func TestCloudDiskGoesAway(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	d := disk.New(t, disk.Size(8<<30), disk.Inodes(20_000)) // sparse
	s := newScene(t)
	s.must(os.Mkdir(filepath.Join(d.Dir, "data"), 0o700), "making the data folder")
	s.must(os.Symlink(filepath.Join(d.Dir, "data"), filepath.Join(s.Dir, "cloud")), "placing the data folder")
	c := s.cloud("lab")
	s.add(c, "sleep")
	a := s.agent(c, "lab", "one", "--appsRunner", "none", "--appsNumberofJobExecutors", "3")
	warm, err := s.sleeper(c, "lab", "warm", 0)
	s.must(err, "giving an order")
	s.ranOnce(c, warm, "warm")
	long, err := s.sleeper(c, "lab", "long", storageAway.Seconds()+5, "--retryable")
	s.must(err, "giving an order")
	short, err := s.sleeper(c, "lab", "short", 2)
	s.must(err, "giving an order")
	for _, mark := range []string{"long", "short"} {
		s.eventually("waiting for both to run", func() error { _, err := os.Stat(s.markFile(mark)); return err })
	}
	d.Shutdown()
	time.Sleep(storageAway)
	d.Back()
	back := time.Now()
	s.ranOnce(c, short, "short")
	t.Logf("the result was taken %s after the disk was back", time.Since(back).Round(time.Second))
	s.ranOnce(c, long, "long")
	next, err := s.sleeper(c, "lab", "next", 0)
	s.must(err, "giving an order")
	s.ranOnce(c, next, "next")
	s.waitIdle(a)
}

// storageAway is how long the disk is away: the App of the short order ends meanwhile.
const storageAway = 8 * time.Second
