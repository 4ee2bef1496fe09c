package test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tcenvsvr/agent/app/api/upstream/upstreamtest"
	"tcenvsvr/test/need"
	"tcenvsvr/test/stage"
)

const upload = "POST /api/v2/batch/"

// gate holds one upload to an instance.
type gate struct{ arrived, open chan struct{} }

// holdUpload has the instance hold the n-th batch from now on.
func holdUpload(t *testing.T, to *upstreamtest.Instance, n int32) gate {
	g := gate{make(chan struct{}), make(chan struct{})}
	var uploads atomic.Int32
	to.Lock()
	defer to.Unlock()
	to.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.Method+" "+r.URL.EscapedPath(), upload) && uploads.Add(1) == n {
			close(g.arrived)
			select {
			case <-g.open:
			case <-t.Context().Done():
			}
		}
		return false
	}
	return g
}

func (s *scene) held(g gate) {
	s.t.Helper()
	select {
	case <-g.arrived:
	case <-s.ctx.Done():
		s.t.Fatal("the batch did not arrive")
	}
}

// TestFeedAgentKilled: the agent is killed while a feed sends a batch to a real instance. The App does not
// notice: its run goes on without an agent and ends under the next one, nothing is lost, nothing comes
// twice. Where its shim is killed as well, a second try goes on from what is known to have arrived. What
// the cloud says it passed on is what the instance got.
func TestFeedAgentKilled(t *testing.T) {
	t.Parallel() // it waits more than it works
	need.Python(t)
	s, f := newScene(t), feedSize()
	to := upstreamtest.New(t)
	ca, credentials := to.Files(t.TempDir())
	c := s.cloud("lab", "--platform", to.URL(), "--platform-ca", ca, "--platform-credentials", credentials)
	a := s.feedJob(c, f)

	g := holdUpload(t, to, 2)
	s.begin(c, f.each)
	s.held(g)
	a.Kill()
	close(g.open)
	s.eventually("waiting for batches without an agent", func() error {
		if n := to.Count(upload); n < 4 {
			return fmt.Errorf("there are %d", n)
		}
		return nil
	})
	s.start(a)
	if j := s.end(c, 1, f.each); j.History[0].Try != 1 {
		t.Errorf("the App was run again: %+v", j.History[0])
	}
	s.brought(to, f.each, 0)
	if n := to.Count(upload); n != f.batches() {
		t.Errorf("%d batches were sent, want %d", n, f.batches())
	}
	s.passedOn(c, to)

	g = holdUpload(t, to, 3)
	s.begin(c, 2*f.each)
	s.held(g)
	shims := s.shims(a, 1)
	a.Kill()
	s.must(syscall.Kill(shims[0], syscall.SIGKILL), "killing the shim")
	s.start(a)
	close(g.open)
	if j := s.end(c, 2, 2*f.each); j.History[0].Try != 2 {
		t.Errorf("the App was not killed: %+v", j.History[0])
	}
	// The batch whose answer nobody got came again; whether it arrived the first time is the instance's.
	if n := to.Count(upload); n != 2*f.batches()+1 {
		t.Errorf("%d batches were sent, want %d", n, 2*f.batches()+1)
	}
	s.brought(to, 2*f.each, f.batch)
	s.passedOn(c, to)
}

// passedOn compares what is said of all executions with what the instance got.
func (s *scene) passedOn(c *stage.Cloud, to *upstreamtest.Instance) {
	s.t.Helper()
	var all []struct {
		ID string `json:"id"`
	}
	s.must(c.JSON(s.ctx, &all, "execution", "list"), "listing executions")
	to.Lock()
	want := slices.Sorted(slices.Values(to.Requests))
	to.Unlock()
	s.eventually("comparing requests", func() error { // one is noted when its answer is complete
		var got []string
		for _, x := range all {
			var list []struct{ Method, Path string }
			if err := c.JSON(s.ctx, &list, "execution", "requests", x.ID); err != nil {
				return err
			}
			for _, r := range list {
				got = append(got, r.Method+" /api"+r.Path)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("what was passed on (-instance +said):\n%s", diff)
		}
		return nil
	})
}
