package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/app/signature"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/catalog/blob"
)

// MaxSignature is the longest text of an App's signature in bytes.
const MaxSignature = 16 << 10

// ErrSignature means that a signature is not one of this App, as far as its text tells.
var ErrSignature = errors.New("not a signature of this App")

// Sign keeps a publisher's signature of an App, in the place of another that is there. Whether it is
// good is for the servers to find out: the cloud has no publisher's key, and nobody need believe it.
func (c *Catalog) Sign(ctx context.Context, name, version string, text []byte) (App, error) {
	a, err := c.Get(ctx, name, version)
	if err != nil {
		return App{}, err
	}
	for {
		k := key(a.Name, a.Version)
		a, revision, err := c.read(ctx, k)
		if err != nil {
			return App{}, fmt.Errorf("looking for App %.140q version %.70q: %w", name, version, err)
		}
		if err := c.attach(ctx, &a, text); err != nil {
			return App{}, err
		}
		data, err := json.Marshal(a)
		if err != nil {
			return App{}, err
		}
		revision, err = c.apps.Update(ctx, k, data, revision)
		c.memory.wrote(k, revision)
		if errors.Is(err, jetstream.ErrKeyExists) { // another writer was faster
			continue
		}
		if err != nil {
			return App{}, fmt.Errorf("signing App %q version %q: %w", a.Name, a.Version, err)
		}
		return a, nil
	}
}

// attach stores the signature's text with the App's content, and notes in the entry whose it is.
func (c *Catalog) attach(ctx context.Context, a *App, text []byte) error {
	s, err := readSignature(text, *a)
	if err != nil {
		return err
	}
	if err := c.blobs.Attach(ctx, a.SHA256, text); err != nil {
		return err
	}
	a.SignedBy = s.KeyID.String()
	return nil
}

// readSignature decodes a signature and refuses one that says itself that it is another App's.
func readSignature(text []byte, a App) (*signature.Signature, error) {
	s, err := signature.Decode(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if says := s.Comment(); says.App != "" && (says.App != a.Name || says.Version != a.Version) {
		return nil, fmt.Errorf("%w: it says that it is of App %.140q version %.70q, not of %q version %q", ErrSignature, says.App, says.Version, a.Name, a.Version)
	}
	return s, nil
}

// Signature returns the text of the signature of an App's content, [blob.ErrNotFound] if it has none.
func (c *Catalog) Signature(ctx context.Context, sha wire.SHA256) ([]byte, error) {
	return c.blobs.Attached(ctx, sha)
}

func (c *Catalog) serveSignature(w http.ResponseWriter, r *http.Request, _ wire.ServerXID) error {
	text, err := c.Signature(r.Context(), wire.SHA256(r.PathValue("sha")))
	if errors.Is(err, blob.ErrNotFound) {
		return errUnsigned
	}
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	h.Set("Cache-Control", "no-store") // it can be replaced
	_, _ = w.Write(text)               // only an agent that left makes it fail
	return nil
}

var errUnsigned = errors.New("no App with this digest, or it is not signed")
