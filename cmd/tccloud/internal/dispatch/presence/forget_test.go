package presence

import (
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// TestForget: a server that is not known any more goes from the memory of each gateway, and from the
// store by the keeper; a claim that is young stays, because another gateway may know the server already.
func TestForget(t *testing.T) {
	st, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	r, err := Open(t.Context(), Config{Store: st, Fence: func(wire.ServerXID, int64) {}})
	if err != nil {
		t.Fatal(err)
	}
	for _, xid := range []wire.ServerXID{"known", "removed", "young"} {
		if _, err := r.Claim(t.Context(), xid); err != nil {
			t.Fatal(err)
		}
	}
	r.Refused("removed")
	r.mu.Lock()
	for _, xid := range []wire.ServerXID{"known", "removed"} {
		h := r.sessions[xid]
		h.learnt = time.Now().Add(-2 * forgetClaims)
		r.sessions[xid], r.left[xid] = h, h.learnt
	}
	r.refused["removed"] = time.Now().Add(-2 * forgetClaims)
	r.mu.Unlock()
	for _, stored := range []bool{false, true} {
		if err := r.Forget(t.Context(), func(xid wire.ServerXID) bool { return xid == "known" }, stored); err != nil {
			t.Fatal(err)
		}
		if len(r.sessions) != 2 || len(r.left) != 1 || len(r.refused) != 0 || r.sessions["removed"] != (holder{}) {
			t.Errorf("in memory are %v, left %v, refused %v", r.sessions, r.left, r.refused)
		}
	}
	if err := r.Refresh(t.Context(), "young"); err != nil || !r.Holds("young", r.sessions["young"].epoch) {
		t.Errorf("the young claim: %v", err)
	}
}
