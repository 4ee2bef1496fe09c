//go:build unix

package job

import "testing"

// A tied job ends with all that it started when the process that waits for it is killed; another
// one goes on.
func TestTied(t *testing.T) {
	for _, tied := range []bool{true, false} {
		l := shell(t, "sleep 1000 & echo > out/ready; sleep 1000")
		l.Tied = tied
		agent := runAgent(t, l)
		await(t, l.Dir+"/out/ready")
		p, err := newExecutor(t).Attach(l.Dir, Status{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { endLeftovers(t, p) })
		_ = agent.Process.Kill()
		_ = agent.Wait()
		if tied {
			awaitEnd(t, p) // not Wait: that would be somebody who waits
		} else if err := p.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		exit := wait(t, p)
		nothingLeft(t, l.Dir)
		if exit.Reason != ReasonCancelled || (exit.Error != "") != tied {
			t.Errorf("tied %v: %+v", tied, exit)
		}
	}
}
