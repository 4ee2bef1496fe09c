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
	"tcenvsvr/cmd/tccloud/internal/catalog/apptoken"
	"tcenvsvr/cmd/tccloud/internal/client"
	"tcenvsvr/cmd/tccloud/internal/identity"
	"tcenvsvr/cmd/tccloud/internal/registry"
	"tcenvsvr/cmd/tccloud/internal/registry/pki"
	"tcenvsvr/cmd/tccloud/internal/store"
)

// ownFiles is what is in the files that make this the cloud which its servers know.
type ownFiles struct {
	authority *pki.Authority
	signer    *apptoken.Signer
	token     string // the operators'
}

// openFiles opens them, and makes those that are missing.
func openFiles(cfg Config) (own ownFiles, err error) {
	if own.authority, err = pki.OpenAuthority(filepath.Join(cfg.Data, "pki")); err != nil {
		return own, damagedFile(err, "bring pki/ca.pem back from a backup or from another gateway of this cloud: all servers trust what is in it, and nothing else")
	}
	if own.signer, err = apptoken.Open(filepath.Join(cfg.Data, identity.TokenKeyFile)); err != nil {
		return own, damagedFile(err, "bring apptoken.key back from a backup or from another gateway of this cloud, or remove it: the Apps that run now then cannot reach the cloud")
	}
	if own.token, err = adminToken(cfg); err != nil {
		return own, damagedFile(err, "write the token that operators use into it, or remove it: the cloud makes another one")
	}
	return own, nil
}

// joinCloud opens them where several gateways may share the store.
func joinCloud(ctx context.Context, cfg Config, st *store.Store, servers jetstream.KeyValue) (own ownFiles, err error) {
	kv, err := st.KV(ctx, identity.Bucket, store.KVOptions{Newest: true})
	if err != nil {
		return own, err
	}
	if err := identity.Join(ctx, identity.Config{
		KV: kv, Data: cfg.Data, SecretFile: cfg.SecretFile, Adopt: cfg.Adopt,
		New:    func(ctx context.Context) error { return refuseNewCA(ctx, servers, cfg.Data) },
		Make:   func() error { _, err := openFiles(cfg); return err },
		Logger: cfg.Logger.With("component", "identity"),
	}); err != nil {
		return own, err
	}
	return openFiles(cfg)
}

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
