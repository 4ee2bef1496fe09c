package dispatch

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// TestElected: who waits for a write is served when the cluster has elected who takes it; in a long outage,
// and after another error, nobody waits.
func TestElected(t *testing.T) {
	nobody := fmt.Errorf("writing: %w", jetstream.ErrNoStreamResponse)
	other := errors.New("another error")
	for name, tt := range map[string]struct {
		takes   time.Duration // until f succeeds
		err     error         // till then
		failing time.Duration
		want    time.Duration // at most
		wantErr error
	}{
		"at once":     {},
		"election":    {takes: 9 * time.Second, err: nobody, want: 10 * time.Second},
		"too long":    {takes: time.Minute, err: nobody, want: 14 * time.Second, wantErr: nobody},
		"outage":      {takes: time.Minute, err: nobody, failing: time.Minute, want: time.Second, wantErr: nobody},
		"other error": {takes: time.Minute, err: other, want: time.Second, wantErr: other},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 13*time.Second)
				defer cancel()
				began := time.Now()
				err := elected(ctx, func() time.Duration { return tt.failing }, func() error {
					if time.Since(began) >= tt.takes {
						return nil
					}
					time.Sleep(500 * time.Millisecond)
					return tt.err
				})
				if took := time.Since(began); !errors.Is(err, tt.wantErr) || (err == nil) != (tt.wantErr == nil) || took > tt.want {
					t.Errorf("it took %s, error %v", took, err)
				}
			})
		})
	}
}
