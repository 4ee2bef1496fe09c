package daemon

import (
	"context"
	"os"
)

// RunUntilSignal is [Run] until a signal: the first one drains, a second one stops at once. Jobs go
// on in both cases.
func RunUntilSignal(signals <-chan os.Signal, c Config) error {
	ctx, stop := context.WithCancel(context.Background())
	drain, done := make(chan struct{}), make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for _, act := range []func(){func() { close(drain) }, stop} {
			select {
			case <-signals:
				act()
			case <-done:
				return
			}
		}
	}()
	c.Drain = drain
	err := Run(ctx, c)
	close(done)
	<-watched
	stop()
	return err
}
