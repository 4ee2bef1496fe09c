package browser

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"tcenvsvr/test/need"
)

// axeVersion and axeSum are those of axe.min.js of the package axe-core; test/run fetches it.
const (
	axeVersion = "4.14.1"
	axeSum     = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
)

// axe returns the script.
func axe(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(cache, "tcenvsvr-tools", "axe-core-"+axeVersion, "axe.min.js")
	need.File(t, file)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != axeSum {
		t.Fatalf("%s is not axe-core %s: remove it, and test/run fetches it again", file, axeVersion)
	}
	return string(data)
}
