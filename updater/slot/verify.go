package slot

import (
	"context"
	"fmt"
	"os"
	"time"

	"tcenvsvr/updater/metadata"
	"tcenvsvr/updater/release"
)

// Signed is what the repository's targets role signed.
type Signed struct {
	Releases []release.Release // of all platforms
	Revoked  []string          // SHA-256 of programs that must not run any more
}

// Metadata is the agent's folder of signed metadata, read as root may read it.
type Metadata interface {
	// ReadFile returns a file of at most limit bytes.
	ReadFile(name string, limit int64) ([]byte, error)
}

// Verifier verifies the metadata in the inbox by root's own root of trust, cache and floor of
// versions, and returns what it signs. It returns nothing that it could not verify, and turns
// panics of its libraries into errors. [MetadataVerifier] is the real one.
type Verifier interface {
	Verify(ctx context.Context, from Metadata) (Signed, error)
}

// MetadataVerifier is the [Verifier] of update repositories. What the agent verified before counts
// for nothing: the inbox is a source of metadata like any other.
type MetadataVerifier struct {
	Root  string    // file of the package's root of trust
	Dir   string    // cache and floor of versions; only root may write it
	Built time.Time // when this program was built; zero = not known
}

// Verify implements [Verifier].
func (v MetadataVerifier) Verify(ctx context.Context, from Metadata) (Signed, error) {
	root, err := os.ReadFile(v.Root)
	if err != nil {
		return Signed{}, fmt.Errorf("reading the root of trust: %w", err)
	}
	client := metadata.Client{Root: root, Dir: v.Dir, Source: inboxSource{from}, Built: v.Built}
	trusted, err := client.Refresh(ctx)
	if err != nil {
		return Signed{}, err
	}
	return Signed{Releases: trusted.Releases, Revoked: trusted.Revoked}, nil
}

// inboxSource is the inbox as a metadata.Source.
type inboxSource struct{ inbox Metadata }

func (s inboxSource) Metadata(_ context.Context, name string, limit int64) ([]byte, error) {
	return s.inbox.ReadFile(name, limit)
}
