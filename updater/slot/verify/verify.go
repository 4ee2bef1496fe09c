package verify

import (
	"context"
	"fmt"
	"os"
	"time"

	"tcenvsvr/updater/metadata"
	"tcenvsvr/updater/slot"
)

// Verifier implements slot.Verifier.
type Verifier struct {
	Root  string    // file of the package's root of trust
	Dir   string    // cache and floor; nobody else may write it
	Built time.Time // when this program was built; zero = not known
}

// Verify implements slot.Verifier.
func (v Verifier) Verify(ctx context.Context, from slot.Metadata) (slot.Signed, error) {
	root, err := os.ReadFile(v.Root)
	if err != nil {
		return slot.Signed{}, fmt.Errorf("reading the root of trust: %w", err)
	}
	client := metadata.Client{Root: root, Dir: v.Dir, Source: source{from}, Built: v.Built}
	trusted, err := client.Refresh(ctx)
	if err != nil {
		return slot.Signed{}, err
	}
	return slot.Signed{Releases: trusted.Releases, Revoked: trusted.Revoked}, nil
}

// source is the inbox as a metadata.Source.
type source struct{ inbox slot.Metadata }

func (s source) Metadata(_ context.Context, name string, limit int64) ([]byte, error) {
	return s.inbox.ReadFile(name, limit)
}
