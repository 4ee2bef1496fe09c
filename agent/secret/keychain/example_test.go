package keychain_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tcenvsvr/agent/secret/keychain"
)

// A setting is sealed when it is stored, and opened when the agent starts.
func Example() {
	dir, _ := os.MkdirTemp("", "example")
	defer os.RemoveAll(dir)
	file, password := filepath.Join(dir, "keychain.json"), []byte("correct horse battery")

	k, err := keychain.Create(file, password)
	if err != nil {
		fmt.Println(err)
		return
	}
	sealed, _ := k.Seal("proxyPassword", "hunter2")
	fmt.Println("sealed:", keychain.IsSealed(sealed))

	k, _ = keychain.Open(file) // after a restart
	_, err = k.Unseal("proxyPassword", sealed)
	fmt.Println("locked:", errors.Is(err, keychain.ErrLocked))
	_ = k.Unlock(password)
	plain, _ := k.Unseal("proxyPassword", sealed)
	fmt.Println("opened:", plain)

	_, err = k.Unseal("brokerToken", sealed) // a value cannot be moved to another setting
	fmt.Println("foreign:", errors.Is(err, keychain.ErrForeign))
	// Output:
	// sealed: true
	// locked: true
	// opened: hunter2
	// foreign: true
}
