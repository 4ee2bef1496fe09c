package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"tcenvsvr/agent/disk/atomicfile"
	"tcenvsvr/agent/enroll/identity"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/secret/envelope"
	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/settings"
)

const (
	// sealKeyName is what the keychain binds the sealing keys to; no setting has this name.
	sealKeyName = "sealing-keys"
	// rotateAfter is how old a sealing key becomes. What was recorded opens for who gets the key later.
	rotateAfter = 180 * 24 * time.Hour
	// restateAfter is how old a statement may be when a session begins.
	restateAfter = time.Hour
	// oldAfter is how old a statement may become in a session: submitters believe it for 30 days.
	oldAfter    = 7 * 24 * time.Hour
	maxSealKeys = 64 << 10 // bytes of the file
)

// sealing holds the keys to which parameters are sealed. They lie in a file that the keychain seals. A nil
// sealing has none.
type sealing struct {
	file        string
	chain       *keychain.Keychain
	id          *identity.Identity
	server      wire.ServerXID
	environment string
	audit       *audit.Log
	logger      *slog.Logger

	mu        sync.Mutex
	ring      envelope.Ring
	statement string
	stated    time.Time
	leaf      []byte // of the certificate that signed the statement
	problem   string // why there is no statement
}

// errNoKeychain and errNoEnvironment are why a server has no sealing key.
var (
	errNoKeychain    = errors.New("there is no keychain, or nothing is sealed by it: \"tcenvsvr keychain init\" makes one")
	errNoEnvironment = errors.New("the enrollment does not say which Environment this server belongs to; enroll it with a fresh bundle")
)

// newSealing reads the keys, or makes the first one. Without a keychain it returns nil.
func (d *daemon) newSealing(s settings.Settings) (*sealing, error) {
	if d.vault == nil || d.vault.chain == nil {
		return nil, nil //nolint:nilnil // a server without a keychain is none with an error
	}
	k := &sealing{
		file: d.paths.SealKeys, chain: d.vault.chain, id: d.id, server: wire.ServerXID(s.ServerXID), environment: s.Environment,
		audit: d.audit, logger: d.logger.With("component", "sealing"),
	}
	return k, k.load(time.Now())
}

// load reads the ring. One that the keychain does not open is of no use any more; it is kept beside.
func (k *sealing) load(now time.Time) error {
	text, err := os.ReadFile(k.file)
	if errors.Is(err, fs.ErrNotExist) {
		return k.rotate(now)
	}
	if err == nil && len(text) > maxSealKeys {
		err = errors.New("it is too long")
	}
	if err != nil {
		return fmt.Errorf("reading the sealing keys %q: %w", k.file, err)
	}
	clear, err := k.chain.Unseal(sealKeyName, string(bytes.TrimSpace(text)))
	if err == nil {
		k.ring, err = envelope.ParseRing([]byte(clear))
	}
	if err == nil {
		return nil
	}
	k.logger.Error("the sealing keys cannot be opened, new ones take their place: what was sealed to the old ones is refused", "file", k.file, "kept", k.file+".lost", "err", err)
	if err := os.Rename(k.file, k.file+".lost"); err != nil {
		return fmt.Errorf("replacing the sealing keys: %w", err)
	}
	k.ring = envelope.Ring{}
	return k.rotate(now)
}

// rotate makes a new key, and keeps it durably before anybody learns of it.
func (k *sealing) rotate(now time.Time) error {
	next, err := k.ring.Rotate(now)
	if err != nil {
		return err
	}
	text, err := k.chain.Seal(sealKeyName, string(next.Encode()))
	if err != nil {
		return err
	}
	if err := atomicfile.WriteFile(k.file, []byte(text+"\n"), 0o600); err != nil {
		return fmt.Errorf("keeping the sealing keys: %w", err)
	}
	k.ring, k.statement = next, ""
	k.logger.Info("sealing key made", "fingerprint", next.Current().Fingerprint().String())
	k.audit.Record(audit.SealKeyMade, "fingerprint", next.Current().Fingerprint().String())
	return nil
}

// usable reports whether there is a key.
func (k *sealing) usable() bool { return k != nil && len(k.ring.IDs()) > 0 }

// Open opens a sealed parameter.
func (k *sealing) Open(b envelope.Binding, text string) ([]byte, error) {
	k.mu.Lock()
	ring := k.ring
	k.mu.Unlock()
	return ring.Open(b, text)
}

// Statement says which key parameters may be sealed to, for a new session; "" if there is none.
func (k *sealing) Statement() string {
	if k == nil {
		return ""
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.usable() {
		return ""
	}
	now := time.Now()
	if now.Sub(k.ring.Created()) > rotateAfter {
		if err := k.rotate(now); err != nil {
			k.logger.Warn("sealing key is not replaced by a new one, though it is old", "err", err)
		}
	}
	text, err := k.state(now)
	if err != nil {
		if k.problem != err.Error() {
			k.logger.Error("sealing key cannot be published", "err", err)
		}
		k.problem = err.Error()
		return ""
	}
	k.problem = ""
	return text
}

// state makes the statement, unless one of this hour and this certificate is there.
func (k *sealing) state(now time.Time) (string, error) {
	if k.environment == "" {
		return "", errNoEnvironment
	}
	certificate := k.id.Current()
	if len(certificate.Certificate) == 0 {
		return "", errors.New("there is no client certificate")
	}
	if age := now.Sub(k.stated); k.statement != "" && age >= 0 && age < restateAfter && bytes.Equal(k.leaf, certificate.Certificate[0]) {
		return k.statement, nil
	}
	s, err := envelope.State(k.ring, k.server, k.environment, certificate, now)
	if err != nil {
		return "", err
	}
	text, err := s.MarshalText()
	if err != nil {
		return "", err
	}
	if len(text) > wire.MaxSealKey {
		return "", fmt.Errorf("its statement has %d bytes, at most %d are possible", len(text), wire.MaxSealKey)
	}
	k.statement, k.stated, k.leaf = string(text), now, certificate.Certificate[0]
	return k.statement, nil
}

// old reports whether the cloud should be told a new statement.
func (k *sealing) old(now time.Time) bool {
	if k == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.statement != "" && now.Sub(k.stated) > oldAfter
}

// status returns the fingerprint to compare, or why there is none.
func (k *sealing) status() (fingerprint, problem string) {
	if k == nil {
		return "", errNoKeychain.Error()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case !k.usable():
		return "", "the sealing keys cannot be read or made; the log says why"
	case k.problem != "":
		return "", k.problem
	}
	return k.ring.Current().Fingerprint().String(), ""
}
