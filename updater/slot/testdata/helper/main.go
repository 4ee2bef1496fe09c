// Helper is the root side of self-update as a small program, for tests that kill it: HELPER DIR
// select|apply|bless|ended.
package main

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"tcenvsvr/updater/handover"
	"tcenvsvr/updater/slot"
	"tcenvsvr/updater/slot/state"
)

// All system calls of main come from one thread, so that they can be counted.
func init() { runtime.LockOSThread() }

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir, verb string) error {
	agent, err := strconv.Atoi(os.Getenv("HELPER_AGENT"))
	if err != nil {
		return err
	}
	key, err := hex.DecodeString(os.Getenv("HELPER_KEY"))
	if err != nil {
		return err
	}
	home := filepath.Join(dir, "home")
	s := slot.New(slot.Config{
		Paths: handover.Paths{
			Baseline: filepath.Join(dir, "base", "tcenvsvr"), Slots: home, State: filepath.Join(dir, "lib"), Home: home,
			Inbox: filepath.Join(home, ".tcenvsvr", "inbox"), Link: filepath.Join(dir, "run", "tcenvsvr"), Shim: filepath.Join(dir, "run", "tcenvsvr-shim"),
			Status: filepath.Join(dir, "run", "status.json"),
		},
		Version: os.Getenv("HELPER_VERSION"), Product: "tcenvsvr/updater/slot/testdata/program",
		Owner: os.Geteuid(), Agent: agent, Verifier: signed{key},
	})
	switch verb {
	case "select":
		_, err = s.Select()
	case "apply":
		var asked bool
		if asked, err = s.Apply(context.Background()); err == nil && !asked {
			err = errors.New("nothing was asked")
		}
	case "bless":
		_, err = s.Bless()
	case "ended":
		_, err = s.Ended(state.Exit{Result: os.Args[3], Code: os.Args[4], Status: os.Args[5]})
	}
	return err
}

// signed verifies a list with an Ed25519 signature before it.
type signed struct{ key ed25519.PublicKey }

func (v signed) Verify(_ context.Context, from slot.Metadata) (list slot.Signed, err error) {
	data, err := from.ReadFile("releases", 64<<10)
	if err != nil {
		return list, err
	}
	if len(data) < ed25519.SignatureSize || !ed25519.Verify(v.key, data[ed25519.SignatureSize:], data[:ed25519.SignatureSize]) {
		return list, errors.New("the signature is wrong")
	}
	return list, json.Unmarshal(data[ed25519.SignatureSize:], &list)
}
