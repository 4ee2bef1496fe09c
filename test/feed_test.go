package test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"tcenvsvr/agent/app/api/upstream/upstreamtest"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

// feed is how much a feed brings in three runs: with TCENVSVR_LARGE=1 as much as real ones.
type feed struct{ each, batch int }

func feedSize() feed {
	if os.Getenv("TCENVSVR_LARGE") == "1" {
		return feed{200_000, 10_000}
	}
	return feed{6_000, 1_000}
}

func (f feed) batches() int { return f.each / f.batch }

// feedJob makes the Job of a feed, with a server for it.
func (s *scene) feedJob(c *stage.Cloud, f feed) *stage.Agent {
	s.t.Helper()
	s.add(c, "feed")
	a := s.agent(c, "lab", "one")
	_, err := c.Do(s.ctx, "job", "create", "feed", "lab", "Test_-_Feed", "--param", "batch_size="+strconv.Itoa(f.batch), "--retries", "3", "--retry-delay", "0s")
	s.must(err, "creating the Job")
	return a
}

// begin starts a run that brings what came up to total; further parameters are NAME=VALUE.
func (s *scene) begin(c *stage.Cloud, total int, params ...string) {
	s.t.Helper()
	args := []string{"job", "edit", "feed", "--param", fmt.Sprint("total=", total)}
	for _, p := range params {
		args = append(args, "--param", p)
	}
	_, err := c.Do(s.ctx, args...)
	s.must(err, "changing the Job")
	_, err = c.Do(s.ctx, "job", "run", "feed", "--detach")
	s.must(err, "starting a run")
}

// end waits for the end of the n-th run, which succeeded.
func (s *scene) end(c *stage.Cloud, n, total int) jobView {
	s.t.Helper()
	j := s.jobIs(c, "feed", fmt.Sprint("waiting for the end of run ", n), func(j jobView) bool { return j.Run == nil && len(j.History) == n })
	if j.History[0].Outcome != "succeeded" || j.Left["last_run"] != strconv.Itoa(total) {
		s.t.Fatalf("run %d: %+v, left %v", n, j.History[0], j.Left)
	}
	return j
}

// flat fails if a process needed much more memory than before. The race detector's own is a multiple of
// the program's.
func (s *scene) flat(what string, before, after int64) {
	s.t.Helper()
	s.t.Logf("most memory of the %s: %d MB, before %d MB", what, after>>20, before>>20)
	if after-before > 256<<20 {
		s.t.Errorf("%s: memory grew from %d to %d MB", what, before>>20, after>>20)
	}
}

// batch is one that the cloud shows.
type batchView struct {
	ID     int    `json:"id"`
	State  string `json:"state"`
	Report *struct {
		Indicators struct{ Accepted, Rejected int } `json:"indicators"`
	} `json:"report"`
}

// completed returns the completed batches of all executions, and how many indicators are in them.
func (s *scene) completed(c *stage.Cloud) (n, accepted int) {
	s.t.Helper()
	var all []struct {
		ID string `json:"id"`
	}
	s.must(c.JSON(s.ctx, &all, "execution", "list"), "listing executions")
	for _, x := range all {
		var list []batchView
		s.must(c.JSON(s.ctx, &list, "execution", "artifact", "list", x.ID), "listing artifacts")
		for _, b := range list {
			if b.State == "Completed" {
				n, accepted = n+1, accepted+b.Report.Indicators.Accepted
			}
		}
	}
	return n, accepted
}

// TestFeedArtifacts: what a feed brings becomes artifacts of its executions, each indicator once, over
// three runs, though its cloud is killed in the second and the App itself in the third. They are
// downloaded and posted on.
func TestFeedArtifacts(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	s, f := newScene(t), feedSize()
	c := s.cloud("lab")
	s.feedJob(c, f)

	s.begin(c, f.batch) // a small run before: what a cloud needs at all
	s.end(c, 1, f.batch)
	before := peak(c.PID())
	s.begin(c, f.each)
	s.end(c, 2, f.each)
	s.flat("cloud", before, peak(c.PID()))

	s.begin(c, 2*f.each)
	s.eventually("waiting for batches of the second run", func() error {
		if n, _ := s.completed(c); n < f.batches()+2 {
			return fmt.Errorf("there are %d", n)
		}
		return nil
	})
	c.Kill()
	s.must(c.Restart(s.ctx), "starting the cloud again")
	s.end(c, 3, 2*f.each)

	s.begin(c, 3*f.each, fmt.Sprint("die_at=", 2*f.each+2*f.batch))
	if j := s.end(c, 4, 3*f.each); j.History[0].Try != 2 {
		t.Errorf("the App was not killed: %+v", j.History[0])
	}
	if n, accepted := s.completed(c); n != 3*f.batches() || accepted != 3*f.each {
		t.Errorf("%d batches of %d indicators, want %d of %d", n, accepted, 3*f.batches(), 3*f.each)
	}
	s.postedOn(c, f)
}

// postedOn takes the batches of the newest execution to a real instance.
func (s *scene) postedOn(c *stage.Cloud, f feed) {
	s.t.Helper()
	var all []struct {
		ID string `json:"id"`
	}
	s.must(c.JSON(s.ctx, &all, "execution", "list", "--limit", "1"), "looking for the newest execution")
	dir := filepath.Join(s.Dir, "batches")
	out, err := c.Do(s.ctx, "execution", "artifact", "download", all[0].ID, "-o", dir)
	s.must(err, "downloading artifacts")
	files := strings.Fields(out)
	if len(files) != f.batches()-2 {
		s.t.Fatalf("downloaded %q, want %d files", files, f.batches()-2)
	}
	text, err := os.ReadFile(files[0])
	if want := fmt.Sprintf(`"summary": "h%d.example"`, 2*f.each+2*f.batch); err != nil || !strings.Contains(string(text), want) {
		s.t.Errorf("%s: %v, %.200s", files[0], err, text)
	}
	to := upstreamtest.New(s.t)
	ca, credentials := to.Files(s.t.TempDir())
	out, err = c.Do(s.ctx, "execution", "artifact", "post", all[0].ID, "--platform", to.URL(), "--platform-ca", ca, "--platform-credentials", credentials)
	s.must(err, "posting artifacts on")
	if len(to.Seen) != f.each-2*f.batch || len(to.Denied) > 0 {
		s.t.Errorf("the instance has %d indicators, denied %v, said %s", len(to.Seen), to.Denied, out)
	}
}

// TestFeedPlatform: a feed reaches a real instance through the cloud, each indicator once, over three
// runs, though the instance is busy and is killed, and the cloud and the App are. The credentials of
// the instance stay in the cloud.
func TestFeedPlatform(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	s, f := newScene(t), feedSize()
	to := upstreamtest.New(t)
	ca, credentials := to.Files(t.TempDir())
	c := s.cloud("lab", "--platform", to.URL(), "--platform-ca", ca, "--platform-credentials", credentials, "--log-level", "debug")
	s.feedJob(c, f)
	uploads := func(n int) {
		s.eventually("waiting for batches", func() error {
			if got := to.Count("POST /api/v2/batch/"); got < n {
				return fmt.Errorf("there are %d", got)
			}
			return nil
		})
	}
	var busy atomic.Int32
	to.Lock()
	to.Before = func(w http.ResponseWriter, r *http.Request) bool {
		n := busy.Add(1)
		if n%7 != 0 {
			return false
		}
		w.Header().Set("Retry-After", "0")
		w.WriteHeader([]int{http.StatusTooManyRequests, http.StatusServiceUnavailable}[n%2])
		return true
	}
	to.Unlock()

	s.begin(c, f.batch)
	s.end(c, 1, f.batch)
	before := peak(c.PID())
	s.begin(c, f.each)
	uploads(3)
	to.Kill()
	to.Restart()
	s.end(c, 2, f.each)
	s.flat("cloud", before, peak(c.PID()))

	s.begin(c, 2*f.each)
	uploads(to.Count("POST /api/v2/batch/") + 2)
	c.Kill()
	s.must(c.Restart(s.ctx), "starting the cloud again")
	s.end(c, 3, 2*f.each)

	s.begin(c, 3*f.each, fmt.Sprint("die_at=", 2*f.each+2*f.batch))
	s.end(c, 4, 3*f.each)

	// A batch whose answer is lost is sent again; the instance has its indicators once all the same.
	s.brought(to, 3*f.each, 2*f.batch)
	s.nothingSecret(c)
}

// brought fails unless the instance has so many indicators, of which not more than twice came again.
func (s *scene) brought(to *upstreamtest.Instance, total, twice int) {
	s.t.Helper()
	to.Lock()
	defer to.Unlock()
	again := 0
	for _, n := range to.Seen {
		again += n - 1
	}
	if len(to.Seen) != total || again > twice || len(to.Denied) > 0 {
		s.t.Errorf("the instance has %d indicators of %d, %d of them came again, denied %v", len(to.Seen), total, again, to.Denied)
	}
}

// nothingSecret looks for the instance's credentials wherever they must not be, and for what was passed on.
func (s *scene) nothingSecret(c *stage.Cloud) {
	s.t.Helper()
	var all []struct {
		ID string `json:"id"`
	}
	s.must(c.JSON(s.ctx, &all, "execution", "list"), "listing executions")
	out, err := c.Do(s.ctx, "execution", "requests", all[0].ID)
	s.must(err, "listing what was passed on")
	for _, want := range []string{"/v2/types/indicatorTypes", "/v2/batch", "/v2/customMetrics", " 200 "} {
		if !strings.Contains(out, want) {
			s.t.Errorf("what was passed on lacks %s:\n%s", want, out)
		}
	}
	err = filepath.WalkDir(s.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), upstreamtest.SecretKey) || strings.Contains(string(text), "secret-session") {
			s.t.Errorf("%s has the instance's credentials", path)
		}
		return err
	})
	s.must(err, "looking for secrets")
}
