package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tcenvsvr/agent/enroll/identity"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/secret/envelope"
	"tcenvsvr/agent/settings"
)

const (
	// rotateAfter is how old a sealing key becomes. What was recorded opens for who gets the key
	// later.
	rotateAfter = 180 * 24 * time.Hour
	// restateAfter is how old a statement may be when a session begins.
	restateAfter = time.Hour
	// oldAfter is how old a statement may become in a session: submitters believe it for 30 days.
	oldAfter = 7 * 24 * time.Hour
)

// sealing holds the keys to which parameters are sealed. They lie in a file that the keychain
// seals. A nil sealing has none.
type sealing struct {
	store       *envelope.Store
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

// Why a server has no sealing key.
var (
	errNoKeychain    = errors.New("there is no keychain, or nothing is sealed by it: \"tcenvsvr keychain init\" makes one")
	errNoKeys        = errors.New("the sealing keys cannot be read or made; the log says why")
	errNoEnvironment = errors.New("the enrollment does not say which Environment this server belongs to; enroll it with a fresh bundle")
)

// newSealing reads the keys, or makes the first one. Without a keychain it returns nil.
func (d *daemon) newSealing(s settings.Settings) (*sealing, error) {
	if d.vault == nil || d.vault.chain == nil {
		return nil, nil //nolint:nilnil // a server without a keychain is none with an error
	}
	k := &sealing{
		store: envelope.NewStore(d.paths.SealKeys, d.vault.chain), id: d.id, server: wire.ServerXID(s.ServerXID), environment: s.Environment,
		audit: d.audit, logger: d.logger.With("component", "sealing"),
	}
	return k, k.load(time.Now())
}

// load reads the ring, or makes the first key.
func (k *sealing) load(now time.Time) error {
	o, err := k.store.Open(now)
	if o.Lost != nil {
		k.logger.Error("the sealing keys cannot be opened, new ones take their place: what was sealed to the old ones is refused", "err", o.Lost)
	}
	if err != nil {
		return err
	}
	k.ring = o.Ring
	if o.Made {
		k.made()
	}
	return nil
}

// rotate makes a new key, and keeps it durably before anybody learns of it. The ones before it open
// values for their overlap, or, with forget, never again.
func (k *sealing) rotate(now time.Time, forget bool) error {
	next, err := k.ring.Rotate(now)
	if err != nil {
		return err
	}
	if forget {
		next = next.Newest()
	}
	if err := k.store.Keep(next); err != nil {
		return err
	}
	k.ring, k.statement = next, ""
	k.made()
	return nil
}

func (k *sealing) made() {
	fingerprint := k.ring.Current().Fingerprint().String()
	k.logger.Info("sealing key made", "fingerprint", fingerprint, "keys", len(k.ring.IDs()))
	k.audit.Record(audit.SealKeyMade, "fingerprint", fingerprint)
}

// Rotate replaces the key by the command line's word, and returns the new one's fingerprint.
func (k *sealing) Rotate(forget bool) (string, error) {
	if k == nil {
		return "", errNoKeychain
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.usable() {
		return "", errNoKeys
	}
	if err := k.rotate(time.Now(), forget); err != nil {
		return "", fmt.Errorf("making a new sealing key: %w", err)
	}
	return k.ring.Current().Fingerprint().String(), nil
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
		if err := k.rotate(now, false); err != nil {
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
		return "", errNoKeys.Error()
	case k.problem != "":
		return "", k.problem
	}
	return k.ring.Current().Fingerprint().String(), ""
}
