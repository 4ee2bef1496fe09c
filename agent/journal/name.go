package journal

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
)

// Name tells this journal from every other one, also from its own copies:
// on the same host by where it lies, on another one (a cloned machine) by
// the host's boot. It is the same when the agent is started again.
func (j *Journal) Name(bootID string) string {
	dir := j.dir
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	place := ""
	if info, err := os.Stat(dir); err == nil {
		place = inode(info)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", bootID, dir, place))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
