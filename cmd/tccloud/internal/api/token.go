package api

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"tcenvsvr/agent/disk/atomicfile"
)

// OpenToken reads the admin token from path. If there is no file it makes a token of 256 random
// bits, in a file of mode 0600, and reports that it is fresh.
func OpenToken(path string) (token string, fresh bool, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		var b [32]byte
		_, _ = rand.Read(b[:]) // never fails, see crypto/rand
		token = base64.RawURLEncoding.EncodeToString(b[:])
		return token, true, atomicfile.WriteFile(path, []byte(token+"\n"), 0o600)
	}
	if err != nil {
		return "", false, fmt.Errorf("reading the admin token: %w", err)
	}
	token = strings.TrimSpace(string(data))
	if len(token) < 16 {
		return "", false, fmt.Errorf("reading the admin token: %q holds less than 16 characters", path)
	}
	if strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return "", false, fmt.Errorf("reading the admin token: %q holds characters that no token has", path)
	}
	return token, false, nil
}
