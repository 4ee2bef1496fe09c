package cloud

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/api"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/registry"
)

// refuseNewCA returns an error if the CA is missing although there are servers: they trust only the
// old one, and none would connect to a new one.
func refuseNewCA(ctx context.Context, kv jetstream.KeyValue, data string) error {
	path := filepath.Join(data, "pki", "ca.pem")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil // it is there, or opening it tells what is wrong
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
	return &FileError{
		fmt.Errorf("opening the CA: %q is missing, and %d servers trust what was in it", path, servers),
		"bring it back from a backup or from another gateway of this cloud; without it, start in a new --data folder and enroll all servers anew",
	}
}

// FileError means that one of the cloud's own files is missing or damaged.
type FileError struct {
	err error
	try string
}

// Error implements error.
func (e *FileError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.err }

// Hint says what an operator can do.
func (e *FileError) Hint() string { return e.try }

// damagedFile adds what to do about one of the cloud's own files to the error of reading it.
func damagedFile(err error, try string) error {
	if err == nil {
		return nil
	}
	return &FileError{err, try}
}

// adminToken reads or makes the admin token. It shows a new one once, if the cloud was started at a
// terminal: the token must not be written to a log.
func adminToken(cfg Config) (string, error) {
	path := filepath.Join(cfg.Data, client.TokenFile)
	token, fresh, err := api.OpenToken(path)
	switch {
	case err != nil:
		return "", err
	case fresh && terminal(cfg.Notice):
		fmt.Fprintf(cfg.Notice, "The admin token is %s (kept in %s; it is not shown again)\n", token, path)
	case fresh:
		cfg.Logger.Info("admin token made", "file", path)
	}
	return token, nil
}
