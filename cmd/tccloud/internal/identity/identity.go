package identity

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/secret/privatefile"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// Where the identity is in the store.
const (
	Bucket = "identity"
	Key    = "cloud"
)

// CAFile, TokenKeyFile and AdminTokenFile are the files, below the data folder. The keys in the folder
// OnlineKeys, which sign that the releases are the newest, are part of it as soon as a gateway has them.
const (
	CAFile         = "pki/ca.pem"
	TokenKeyFile   = "apptoken.key"
	AdminTokenFile = "admin.token"
	OnlineKeys     = "updates/keys"
)

// kind is what holds for one of the files.
type kind struct {
	adoptable bool // another one may be adopted
	optional  bool // a cloud may have none
}

// files are what the identity is.
var files = map[string]kind{
	CAFile: {}, TokenKeyFile: {adoptable: true}, AdminTokenFile: {adoptable: true},
	OnlineKeys + "/snapshot.pem":  {adoptable: true, optional: true},
	OnlineKeys + "/timestamp.pem": {adoptable: true, optional: true},
}

// Adoptable are the files of which [Config.Adopt] may make a gateway's own the cloud's.
var Adoptable = adoptable()

func adoptable() (names []string) {
	for name, k := range files {
		if k.adoptable {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Config is what Join needs.
type Config struct {
	KV   jetstream.KeyValue // [Bucket]
	Data string
	// SecretFile is the cluster secret's; "" is SecretFile in Data.
	SecretFile string
	// Adopt are files that are the cloud's from now on, instead of the cloud's being refused or
	// taken.
	Adopt []string
	// New is called before a store gets an identity for the first time, and may refuse that.
	New func(ctx context.Context) error
	// Make makes those of the files that are missing, and checks the others.
	Make   func() error
	Logger *slog.Logger
}

// Error means that this gateway is none of the cloud in the store.
type Error struct {
	err error
	try string
}

// Error implements error.
func (e *Error) Error() string { return "joining the cloud: " + e.err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.err }

// Hint says what an operator can do.
func (e *Error) Hint() string { return e.try }

// Join makes the files in the folder those of the cloud in the store, or refuses.
func Join(ctx context.Context, cfg Config) error {
	if cfg.SecretFile == "" {
		cfg.SecretFile = filepath.Join(cfg.Data, SecretFile)
	}
	for {
		e, err := cfg.KV.Get(ctx, Key)
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound):
			err = cfg.found(ctx)
		case err != nil:
			return fmt.Errorf("reading the cloud's identity: %w", err)
		default:
			err = cfg.join(ctx, e)
		}
		if !bucket.Overtaken(err) {
			return err
		}
	}
}

// found seals what is in the folder into a store that has nothing yet.
func (c Config) found(ctx context.Context) (err error) {
	if err := c.New(ctx); err != nil {
		return err
	}
	secrets, err := makeSecret(c.SecretFile) // before anything is sealed with it
	if err != nil {
		return err
	}
	var fresh []string
	for name := range files {
		if path := filepath.Join(c.Data, name); !exists(path) {
			fresh = append(fresh, path)
		}
	}
	defer func() {
		if !bucket.Overtaken(err) {
			return
		}
		for _, path := range fresh { // another gateway has made the cloud: these are nobody's
			err = errors.Join(err, atomicfile.Remove(path))
		}
	}()
	if err := c.Make(); err != nil {
		return err
	}
	content := &content{Files: map[string][]byte{}}
	for name, k := range files {
		data, err := os.ReadFile(filepath.Join(c.Data, name))
		if k.optional && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		content.Files[name] = data
	}
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails, see crypto/rand
	e := &envelope{Version: version, Cloud: hex.EncodeToString(id[:]), CA: caOf(content.Files[CAFile])}
	if err := c.write(ctx, e, content, secrets[0], 0); err != nil {
		return err
	}
	c.Logger.Info("this is a new cloud: give each further gateway a copy of the cluster secret", "cloud", e.Cloud, "ca", e.CA, "file", c.SecretFile)
	return nil
}

// join brings folder and store together.
func (c Config) join(ctx context.Context, stored jetstream.KeyValueEntry) error {
	e, err := decode(stored.Value())
	if err != nil {
		return &Error{fmt.Errorf("reading the identity in the store: %w", err), "start this gateway with a program that is not older than the others'"}
	}
	copyIt := fmt.Sprintf("copy %s from the data folder of another gateway of this cloud to %q", SecretFile, c.SecretFile)
	secrets, err := readSecrets(c.SecretFile)
	if errors.Is(err, fs.ErrNotExist) {
		return &Error{fmt.Errorf("the store belongs to cloud %s, and there is no cluster secret in %q", e.Cloud, c.SecretFile),
			copyIt + ", or name the file by --cluster-secret-file"}
	}
	if err != nil {
		return &Error{err, copyIt}
	}
	content, which, err := e.open(secrets)
	if err != nil {
		return &Error{fmt.Errorf("opening the identity of cloud %s (secret %s) with the cluster secret %s in %q: %w", e.Cloud, e.Secret, secrets[0].id(), c.SecretFile, err),
			copyIt + "; to make a cloud of its own, name another --nats"}
	}
	if caOf(content.Files[CAFile]) != e.CA {
		return &Error{fmt.Errorf("the identity of cloud %s names another CA than is in it", e.Cloud), "restore the store from a backup"}
	}
	take, changed, err := c.compare(e, content)
	if err != nil {
		return err
	}
	if which != 0 || changed {
		if err := c.write(ctx, e, content, secrets[0], stored.Revision()); err != nil {
			return err
		}
		c.Logger.Info("the cloud's identity was sealed anew", "cloud", e.Cloud, "generation", e.Generation, "secret", e.Secret, "adopted", c.Adopt)
	}
	for _, name := range take {
		path := filepath.Join(c.Data, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fmt.Errorf("joining the cloud: %w", err)
		}
		if err := atomicfile.WriteFile(path, content.Files[name], privatefile.Mode); err != nil {
			return fmt.Errorf("joining the cloud: %w", err)
		}
	}
	if len(take) > 0 {
		c.Logger.Info("joined the cloud in the store", "cloud", e.Cloud, "ca", e.CA, "taken", take)
	}
	return nil
}

// compare returns the names of the files that are to be written, and whether c.Adopt has changed
// the content.
func (c Config) compare(e *envelope, content *content) (take []string, changed bool, err error) {
	for name, k := range files {
		path := filepath.Join(c.Data, name)
		here, err := os.ReadFile(path)
		theirs, known := content.Files[name]
		switch {
		case errors.Is(err, fs.ErrNotExist) && k.optional && !known:
		case errors.Is(err, fs.ErrNotExist):
			take = append(take, name)
		case err != nil:
			return nil, false, fmt.Errorf("joining the cloud: %w", err)
		case k.optional && !known: // this gateway brings it
			content.Files[name] = here
			changed = true
		case same(here, theirs):
		case slices.Contains(content.Retired[name], digest(bytes.TrimSpace(here))):
			take = append(take, name)
		case slices.Contains(c.Adopt, name) && k.adoptable:
			if content.Retired == nil {
				content.Retired = map[string][]string{}
			}
			old := append(content.Retired[name], digest(bytes.TrimSpace(theirs)))
			content.Retired[name] = old[max(0, len(old)-maxRetired):]
			content.Files[name] = here
			changed = true
		default:
			return nil, false, &Error{fmt.Errorf("%q is not that of cloud %s in the store, whose CA is %.16s…", path, e.Cloud, e.CA), mend(path, name)}
		}
	}
	slices.Sort(take)
	if changed {
		err = c.Make() // is what is adopted whole?
	}
	return take, changed, err
}

// mend says what to do about a file of another cloud.
func mend(path, name string) string {
	hint := fmt.Sprintf("if this gateway belongs to the cloud in the store, move %q away and start it again: the cloud's is put there; otherwise name another --data or another --nats", path)
	if files[name].adoptable {
		hint += fmt.Sprintf("; to make it the cloud's instead: --adopt %s, once", name)
	}
	return hint
}

// write stores a new generation.
func (c Config) write(ctx context.Context, e *envelope, content *content, s secret, over uint64) error {
	e.Generation++
	e.CA = caOf(content.Files[CAFile])
	if err := e.seal(content, s); err != nil {
		return fmt.Errorf("sealing the cloud's identity: %w", err)
	}
	if _, _, err := bucket.Write(ctx, c.KV, Key, e, over); err != nil {
		return fmt.Errorf("storing the cloud's identity: %w", err)
	}
	return nil
}

// same ignores the line feed that an editor adds to the end.
func same(a, b []byte) bool { return bytes.Equal(bytes.TrimSpace(a), bytes.TrimSpace(b)) }

// caOf is the SHA-256 of the certificate in a ca.pem.
func caOf(data []byte) string {
	if b, _ := pem.Decode(data); b != nil {
		return digest(b.Bytes)
	}
	return digest(data)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
