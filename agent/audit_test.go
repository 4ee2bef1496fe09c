package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tcenvsvr/agent/link/linktest"
	"tcenvsvr/agent/link/wire"
)

func TestOrdersAreAudited(t *testing.T) {
	r := newRig(t)
	s := r.start()
	r.warm(s)
	r.agent.StartDrain()
	r.eventually("draining", func() bool { return r.agent.Status().Draining })
	s.Send(t, r.order("late", "pass"))
	linktest.Expect[*wire.Refused](t, s)
	text, err := os.ReadFile(filepath.Join(r.dir, "audit.jsonl"))
	must(t, err)
	for _, want := range []string{
		`"act":"order_accepted","user":`, `"order":"warm.1","app":"`,
		`"act":"order_refused","user":`, `"order":"late.1","reason":"draining"`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the audit log lacks %s:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), secret) {
		t.Error("a secret is in the audit log")
	}
}
