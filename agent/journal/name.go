package journal

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// Name tells this journal from every other one, also from its own copies: on the same host by where it
// lies (see place), on another one (a cloned machine) by the host's boot. It is the same when the agent is started
// again, while its disk cannot be read, and when that was mounted anew, with another number.
func (j *Journal) Name(bootID string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d", bootID, j.copies.place.Path, j.copies.place.Inode))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
