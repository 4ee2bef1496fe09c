package bucket

import (
	"context"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// TestRetry: an error that passes is tried again, another is not, and a caller whose context ends
// does not wait.
func TestRetry(t *testing.T) {
	tooMany := fmt.Errorf("nats: %w", &jetstream.APIError{Code: 429, ErrorCode: 10167})
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		n, err := retry(t.Context(), busy, func() (int, error) {
			if tries++; tries < 5 {
				return 0, tooMany
			}
			return tries, nil
		})
		if n != 5 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
		tries = 0
		if _, err = retry(t.Context(), busy, func() (int, error) { tries++; return 0, io.ErrUnexpectedEOF }); tries != 1 || err == nil {
			t.Errorf("another error: %d tries, %v", tries, err)
		}
		began := time.Now()
		if _, err = retry(t.Context(), busy, func() (int, error) { return 0, tooMany }); !busy(err) || time.Since(began) > retryTimeout+2*time.Second {
			t.Errorf("for ever busy: got %v after %s", err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		if _, err = retry(ctx, busy, func() (int, error) { return 0, tooMany }); err == nil || time.Since(began) > time.Second {
			t.Errorf("cancelled: got %v after %s", err, time.Since(began))
		}
	})
}
