package keychain

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tcenvsvr/agent/host/paths"
	"tcenvsvr/agent/logging/audit"
	"tcenvsvr/agent/secret/keychain"
	"tcenvsvr/cmd/internal/cli"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// Command returns the group "keychain".
func Command(e *env.Env) *cobra.Command {
	return cli.Group("keychain", "the master password and what it protects",
		`Keychain looks after the master password, which seals every secret in the
settings file. The service needs it at each start and takes it from the service
manager (after a restart), a systemd credential called masterkey, the file in
masterKeyFile, or systemd-ask-password. Without it the service is locked until
"keychain unlock".

  tcenvsvr keychain init
  tcenvsvr keychain status`,
		initCommand(e), changePasswordCommand(e), unlockCommand(e), rotateCommand(e), statusCommand(e))
}

// open opens the keychain of the home, which must exist.
func open(e *env.Env) (paths.Paths, *keychain.Keychain, error) {
	p, err := e.Paths()
	if err != nil {
		return p, nil, err
	}
	chain, err := keychain.Open(p.Keychain)
	if errors.Is(err, keychain.ErrMissing) {
		err = fmt.Errorf("%w\nhint: \"tcenvsvr enroll\" makes one, and so does \"tcenvsvr keychain init\"", err)
	}
	return p, chain, err
}

// RecordRefusal records a wrong master password in the audit log; doing names the command. Other
// errors are not recorded.
func RecordRefusal(p paths.Paths, doing string, err error) {
	if errors.Is(err, keychain.ErrWrongPassword) {
		audit.Open(p.Audit).Record(audit.KeychainRefused, "from", doing)
	}
}
