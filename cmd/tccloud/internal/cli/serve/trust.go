package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// trusted refuses to make a new CA for a cloud that has servers: they trust the old
// one only, and would all stay away.
func trusted(ctx context.Context, kv jetstream.KeyValue, data string) error {
	path := filepath.Join(data, "pki", "ca.pem")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil // it is there, or opening it says what is wrong
	}
	keys, err := kv.ListKeys(ctx)
	if err != nil {
		return fmt.Errorf("asking whether there are servers: %w", err)
	}
	servers := 0
	for key := range keys.Keys() {
		if strings.HasPrefix(key, registry.ServerPrefix) {
			servers++
		}
	}
	if servers == 0 {
		return nil
	}
	return &store.TroubleError{
		What: fmt.Sprintf("opening the CA: %q is missing, and %d servers trust what was in it", path, servers),
		Try:  "bring it back from a backup or from another gateway of this cloud; without it, start in a new --data folder and enroll all servers anew",
	}
}

// damaged adds what to do about one of the cloud's own files.
func damaged(err error, try string) error {
	if err == nil {
		return nil
	}
	return &store.TroubleError{What: err.Error(), Try: try}
}
