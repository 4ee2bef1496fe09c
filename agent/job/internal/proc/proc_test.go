package proc

import (
	"os"
	"os/exec"
	"slices"
	"testing"
)

func TestDescendants(t *testing.T) {
	p := func(pid, ppid, pgid, sid int) Info { return Info{ID: ID{PID: pid}, PPID: ppid, PGID: pgid, SID: sid} }
	list := []Info{
		p(1, 0, 1, 1), p(10, 1, 10, 10), // the root
		p(30, 20, 30, 30), p(20, 10, 20, 20), p(21, 20, 20, 20), // its tree, in any order
		p(40, 1, 20, 20), p(41, 40, 41, 41), // an orphan of the App's session, and its child
		p(50, 1, 50, 50), p(51, 50, 50, 50), // strangers
	}
	for _, c := range []struct {
		name      string
		root, app int
		want      []int
	}{
		{"by parents", 10, 0, []int{20, 21, 30}},
		{"by parents and session", 10, 20, []int{20, 21, 30, 40, 41}},
		{"leaf", 51, 0, nil},
		{"none", 99, 98, nil},
		{"init is no App", 99, 1, nil},
	} {
		var got []int
		for _, d := range Descendants(list, c.root, c.app) {
			got = append(got, d.PID)
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestAlive(t *testing.T) {
	self, err := Of(os.Getpid())
	if err != nil || !Alive(self) {
		t.Fatalf("self: %+v, %v", self, err)
	}
	if other := (ID{self.PID, self.Start + 1}); Alive(other) {
		t.Error("another start time is alive, too")
	}
	child := exec.Command(os.Args[0], "-test.run=none")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	id, err := Of(child.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	if Alive(id) {
		t.Error("the child is alive after its end")
	}
}
