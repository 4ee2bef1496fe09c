package appstore_test

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog/appstore"
	"tcenvsvr/cmd/tccloud/internal/catalog/apptoken"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
)

// TestLongJob runs Apps for 30 hours by a virtual clock, which renew their tokens as the frameworks
// do: TcEx looks each 150 s and renews what ends within 600 s, Java renews 15 s before the end.
func TestLongJob(t *testing.T) {
	t.Parallel()
	signer, err := apptoken.Open(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	for name, app := range map[string]struct{ look, before time.Duration }{"TcEx": {150 * time.Second, 600 * time.Second}, "Java": {5 * time.Second, 15 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := executions{"run": {ID: "run", Attempt: 1, State: wire.StateRunning}}
				s := appstore.New(appstore.Config{Executions: x, Signer: signer})
				first := signer.Issue("run", 1, appstore.TokenLife)
				token, ends, renewed := first, time.Now().Add(appstore.TokenLife), 0
				for began := time.Now(); time.Since(began) < 30*time.Hour; time.Sleep(app.look) {
					if time.Until(ends) < app.before {
						if token, ends, err = s.Renew(t.Context(), token); err != nil {
							t.Fatalf("after %s: %v", time.Since(began), err)
						}
						renewed++
					}
					if _, err := s.Session(t.Context(), token); err != nil {
						t.Fatalf("after %s: %v", time.Since(began), err)
					}
				}
				if renewed < 7 || renewed > 8 {
					t.Errorf("renewed %d times in 30 h", renewed)
				}

				// One that slept through the end of its token, and the very first token.
				time.Sleep(12 * time.Hour)
				for _, old := range []string{token, first} {
					if _, err := s.Session(t.Context(), old); !errors.Is(err, api.ErrToken) {
						t.Errorf("a token that is over is taken: %v", err)
					}
					fresh, _, err := s.Renew(t.Context(), old)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := s.Session(t.Context(), fresh); err != nil {
						t.Error(err)
					}
				}

				// When the job has ended, or another attempt runs, nothing is renewed.
				for _, e := range []dispatch.Execution{{ID: "run", Attempt: 2, State: wire.StateRunning}, {ID: "run", Attempt: 1, State: wire.State(wire.Succeeded)}} {
					x["run"] = e
					if _, _, err := s.Renew(t.Context(), token); !errors.Is(err, api.ErrToken) {
						t.Errorf("renewed although it is over: %v", err)
					}
				}
			})
		})
	}
}
