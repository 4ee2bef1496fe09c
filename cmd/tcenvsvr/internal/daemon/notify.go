package daemon

import (
	"context"

	sd "github.com/coreos/go-systemd/v22/daemon"
)

// notify tells systemd that the service is up and when it stops. Without
// NOTIFY_SOCKET, as on other systems, both do nothing.
func notify(ctx context.Context) error {
	_, _ = sd.SdNotify(false, sd.SdNotifyReady)
	<-ctx.Done()
	_, _ = sd.SdNotify(false, sd.SdNotifyStopping)
	return nil
}
