package parts

import (
	"errors"
	"fmt"
	"os"

	"tcenvsvr/agent/enroll/identity"
	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/settings"
)

// LoadIdentity opens the keystore with the password in the settings.
func LoadIdentity(p paths.Paths, s settings.Settings) (*identity.Identity, error) {
	id, err := identity.Load(p.Keystore, s.KeystorePassword.Reveal())
	if errors.Is(err, os.ErrNotExist) && s.Enrolled() == nil {
		return nil, fmt.Errorf("%w: there is no %q, and the settings say that this host is server %s\nhint: restore it from a backup; without one make a fresh bundle (\"tccloud bundle ENV --server %[3]s\") and run \"tcenvsvr enroll FILE\"",
			identity.ErrMissing, p.Keystore, s.ServerXID)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no keystore %q", settings.ErrNotEnrolled, p.Keystore)
	}
	return id, err
}
