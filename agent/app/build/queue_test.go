package build

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// A task is done once, a failed one again after a day, and what failed is told once.
func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var did, told []string
		q := NewQueue[int]()
		q.Told = func(p Problem) { told = append(told, p.App+" "+p.What) }
		work := func() {
			t.Helper()
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				q.Run(ctx, func(_ context.Context, task Task[int]) error {
					did = append(did, task.App()+strconv.Itoa(task.With))
					if task.Key == "bad" {
						return errors.New("broken")
					}
					return nil
				})
			}()
			synctest.Wait()
			stop()
			<-done
		}
		for range 2 {
			q.Add(Task[int]{Dir: "/p/A_v1/aa", Key: "good", With: 1})
			q.Add(Task[int]{Dir: "/p/B_v1/bb", Key: "bad", With: 2})
			q.Add(Task[int]{Dir: "/p/A_v1/aa", Key: "other", With: 3}) // one task an App
		}
		if n, _ := q.State(); n != 2 || q.Wants("/p/A_v1/aa", "good") {
			t.Errorf("%d tasks wait", n)
		}
		work()
		q.Add(Task[int]{Dir: "/p/B_v1/bb", Key: "bad", With: 4})
		q.Add(Task[int]{Dir: "/p/A_v1/aa", Key: "other", With: 5})
		work()
		time.Sleep(Retry)
		q.Add(Task[int]{Dir: "/p/B_v1/bb", Key: "bad", With: 6})
		work()
		if want := []string{"A_v1/aa1", "B_v1/bb2", "A_v1/aa5", "B_v1/bb6"}; !slices.Equal(did, want) {
			t.Errorf("did %q, want %q", did, want)
		}
		if want := []string{"B_v1/bb broken"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}

// Neither tasks nor failures are without bound, and a stop is no failure.
func TestQueueIsBounded(t *testing.T) {
	q := NewQueue[int]()
	for n := range 2 * maxTried {
		q.Add(Task[int]{Dir: strconv.Itoa(n), Key: strconv.Itoa(n)})
		q.Failed("/p/A_v1/aa", "k"+strconv.Itoa(n), errors.New(strconv.Itoa(n)))
	}
	if n, problems := q.State(); n != maxTasks || len(problems) != maxProblems || len(q.tried) > maxTried {
		t.Errorf("%d tasks, %d problems, %d failures", n, len(problems), len(q.tried))
	}
	ctx, stop := context.WithCancel(t.Context())
	q.Run(ctx, func(context.Context, Task[int]) error { stop(); return context.Canceled })
	if !q.Wants("0", "0") {
		t.Error("a stop counts as a failure")
	}
}
