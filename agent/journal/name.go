package journal

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"path/filepath"

	"tcenvsvr/agent/place"
)

// Name tells this journal from every other one, also from its own copies:
// on the same host by where it lies, on another one (a cloned machine) by
// the host's boot. It is the same when the agent is started again.
func (j *Journal) Name(bootID string) string {
	dir := j.dir
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	at, _ := place.Of(dir) // without it, the path has to do
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %d", bootID, dir, at.Device, at.Inode))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
