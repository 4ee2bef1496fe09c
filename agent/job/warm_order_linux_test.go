package job

import (
	"io"
	"testing"
	"time"

	"tcenvsvr/agent/job/internal/sock"
)

// TestTemplateForksForShimsOnly: who is of the same user and knows where a template's socket is, as all
// Apps do, gets no world that it could furnish.
func TestTemplateForksForShimsOnly(t *testing.T) {
	e := newExecutor(t)
	dir := app(t, map[string]string{"main.py": "print('main')\n", "deps/lib.py": ""})
	tp := template(t, e, dir, "lib")
	wait(t, startWarm(t, e, tp, order(t, dir)))
	for _, words := range []string{"order\n", "order \n", "order AAAAAAAAAAAAAAAAAAAAAAAAAA\n"} {
		c, err := sock.Dial(t.Context(), tp.Dir(), tp.Status().ShimPID, tp.Status().Token)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.WriteString(c, words); err != nil {
			t.Fatal(err)
		}
		if answer, err := io.ReadAll(io.LimitReader(c, 10)); len(answer) > 0 || err != nil {
			t.Errorf("%q is answered: %q, %v", words, answer, err)
		}
	}
}
