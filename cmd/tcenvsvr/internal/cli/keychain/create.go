package keychain

import (
	"errors"
	"fmt"
	"os"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/agent/settings"
)

// Create makes a keychain, and store seals settings with it: both happen or neither. An existing
// keychain is set aside, and restored if that fails. The new one is returned unlocked.
func Create(p paths.Paths, password []byte, store func(settings.SealFunc) error) (*keychain.Keychain, error) {
	old := p.Keychain + ".old"
	if err := os.Rename(p.Keychain, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("putting the old keychain aside: %w", err)
	}
	chain, err := keychain.Create(p.Keychain, password)
	if err == nil {
		err = store(chain.Seal)
	}
	if err != nil && !sealedBy(p, chain) {
		return nil, errors.Join(err, undo(p, old))
	}
	if err := os.Remove(old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("removing the old keychain: %w", err)
	}
	return chain, err
}

// sealedBy reports whether the stored settings need chain: store may fail after it has stored them.
func sealedBy(p paths.Paths, chain *keychain.Keychain) bool {
	s, _, err := settings.Load(settings.Options{File: p.Settings})
	if err != nil || chain == nil || !s.Sealed() {
		return false
	}
	_, _, err = settings.Load(settings.Options{File: p.Settings, Unseal: chain.Unseal})
	return err == nil
}

// undo restores the keychain that was set aside at old, or removes the new one if there was none.
func undo(p paths.Paths, old string) error {
	err := os.Rename(old, p.Keychain)
	if errors.Is(err, os.ErrNotExist) {
		err = os.Remove(p.Keychain)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("undoing the new keychain: %w", err)
	}
	return nil
}
