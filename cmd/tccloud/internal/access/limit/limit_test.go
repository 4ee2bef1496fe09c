package limit

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(3, time.Minute)
		for i := range 3 {
			if _, ok := l.Try("a"); !ok {
				t.Fatalf("try %d was refused", i)
			}
		}
		wait, ok := l.Try("a")
		if ok || wait != time.Minute {
			t.Errorf("got %s, %t", wait, ok)
		}
		for range 1000 { // refused tries do not lengthen it
			l.Try("a")
		}
		if _, ok := l.Try("b"); !ok {
			t.Error("another key has to wait")
		}
		time.Sleep(wait)
		if _, ok := l.Try("a"); !ok {
			t.Error("it has to wait longer than it was told")
		}
		if _, ok := l.Try("a"); ok {
			t.Error("two tries for one")
		}
		l.Undo("a")
		if _, ok := l.Try("a"); !ok {
			t.Error("a good try counts")
		}
		l.Undo("unknown")
		time.Sleep(time.Hour)
		for i := range 3 {
			if _, ok := l.Try("a"); !ok {
				t.Errorf("try %d an hour later was refused", i)
			}
		}
		if _, ok := l.Try("a"); ok {
			t.Error("more than the burst was saved up")
		}
	})
}

// TestManyKeys: memory is bounded, a key that must wait is not forgotten for others, and who comes
// when it is full is limited together with all who do.
func TestManyKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(2, time.Minute)
		l.Try("guilty")
		l.Try("guilty")
		for i := range most {
			l.Try(fmt.Sprint(i))
		}
		if len(l.keys) > most {
			t.Errorf("%d keys are remembered", len(l.keys))
		}
		if _, ok := l.Try("guilty"); ok {
			t.Error("others made it forget")
		}
		through := 0
		for i := range 100 {
			if _, ok := l.Try(fmt.Sprint("new", i)); ok {
				through++
			}
		}
		if through > 2 {
			t.Errorf("%d went through", through)
		}
		time.Sleep(time.Hour)
		if _, ok := l.Try("late"); !ok || len(l.keys) != 1 {
			t.Errorf("got %t, %d keys", ok, len(l.keys))
		}
	})
}
