package warm

import (
	_ "embed"
	"encoding/hex"
	"encoding/json"

	"golang.org/x/sys/unix"

	"tcenvsvr/agent/job/internal/isolation"
)

//go:embed forkserver.py
var forkserver []byte

// Source is the fork server for an App.
func Source(p Program) ([]byte, error) {
	filter, err := isolation.Program()
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(map[string]any{
		"hook": p.Hook, "fd": isolation.SocketFD, "app": p.App, "target": p.Target,
		"roots": p.roots(), "modules": p.modules(), "own": append([]string{}, p.Own...),
		"filter": hex.EncodeToString(filter), "last_capability": isolation.LastCapability(),
		"calls": map[string]int{
			"setns": unix.SYS_SETNS, "prctl": unix.SYS_PRCTL, "capset": unix.SYS_CAPSET,
			"landlock_restrict_self": unix.SYS_LANDLOCK_RESTRICT_SELF,
		},
	})
	if err != nil {
		return nil, err
	}
	// JSON without true, false and null is Python.
	return append(append([]byte("CONFIG = "), append(config, '\n')...), forkserver...), nil
}
