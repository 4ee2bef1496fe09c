package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/app/signature"
	"tcenvsvr/agent/app/tcx"
	"tcenvsvr/agent/disk/atomicfile"
)

// Origin is what is kept of the package that an App was installed from: what it calls itself, and
// what is needed to find out who signed it, without the package. It lies in a folder that only the
// agent's user can enter.
type Origin struct {
	SHA256  string `json:"sha256"`
	Name    string `json:"name"`    // the package's top folder without _v…
	Version string `json:"version"` // programVersion
	Digest  []byte `json:"digest"`  // [signature.Digest] of the package
	// Signature is the text of the package's signature; "" if none is known. It is verified each
	// time that somebody goes by it.
	Signature string `json:"signature,omitempty"`
}

// maxOrigin bounds the file of an origin in bytes.
const maxOrigin = 64 << 10

func (c *Catalog) originOf(sha string) string { return filepath.Join(c.origins, sha) }

// Origin returns that of an installed App. If an older agent installed it, the package is downloaded
// once more and looked at.
func (c *Catalog) Origin(ctx context.Context, ref Ref, fetch Fetch) (Origin, error) {
	if err := c.acceptable(ref); err != nil {
		return Origin{}, err
	}
	if o, ok := c.knownOrigin(ref.SHA256); ok {
		return o, nil
	}
	o, err := readOrigin(c.originOf(ref.SHA256), ref.SHA256)
	if err == nil {
		c.remember(o)
		return o, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		c.Logger.Warn("what is kept of a package cannot be read; it is looked at once more", "app", ref.Name, "err", err)
	}
	part := filepath.Join(c.incoming, ref.SHA256+".origin"+partSuffix)
	err = c.download(ctx, ref, part, fetch)
	if errors.Is(err, errStale) {
		err = c.download(ctx, ref, part, fetch)
	}
	if err != nil {
		return Origin{}, err
	}
	defer os.Remove(part)
	if err := c.keepOrigin(ref, part); err != nil {
		return Origin{}, err
	}
	o, _ = c.knownOrigin(ref.SHA256)
	return o, nil
}

// KeepSignature keeps the text of a package's signature beside the rest of its origin.
func (c *Catalog) KeepSignature(o Origin, text string) error {
	if o.Signature == text {
		return nil
	}
	o.Signature = text
	return c.writeOrigin(o)
}

// keepOrigin looks at a package that has the digest of ref, and keeps what it says. A signature that
// is known of it stays.
func (c *Catalog) keepOrigin(ref Ref, file string) error {
	m, top, err := tcx.ReadManifest(file, c.Limits)
	if err != nil {
		return wrap(err, "installing App %q", ref.Name)
	}
	f, err := os.Open(file)
	if err != nil {
		return storeError(fmt.Errorf("installing App %q: %w", ref.Name, err))
	}
	defer f.Close()
	sum, err := signature.Digest(f)
	if err != nil {
		return storeError(fmt.Errorf("installing App %q: %w", ref.Name, err))
	}
	o := Origin{SHA256: ref.SHA256, Name: versioned.ReplaceAllString(top, ""), Version: m.ProgramVersion, Digest: sum[:]}
	if before, err := readOrigin(c.originOf(ref.SHA256), ref.SHA256); err == nil && bytes.Equal(before.Digest, o.Digest) {
		o.Signature = before.Signature
	}
	return c.writeOrigin(o)
}

func (c *Catalog) writeOrigin(o Origin) error {
	text, err := json.Marshal(o)
	if err == nil && len(text) > maxOrigin {
		err = fault.New(fault.Unsupported, "its name, version or signature is too long")
	}
	if err == nil {
		err = atomicfile.WriteFile(c.originOf(o.SHA256), text, 0o600)
	}
	if err != nil {
		return storeError(fmt.Errorf("keeping what is known of App %q: %w", o.Name, err))
	}
	c.remember(o)
	return nil
}

func (c *Catalog) knownOrigin(sha string) (Origin, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, ok := c.known[sha]
	return o, ok
}

func (c *Catalog) remember(o Origin) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[o.SHA256] = o
}

func readOrigin(file, sha string) (Origin, error) {
	f, err := os.Open(file)
	if err != nil {
		return Origin{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxOrigin+1))
	if err != nil {
		return Origin{}, err
	}
	var o Origin
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil || o.SHA256 != sha || len(o.Digest) != signature.DigestSize || o.Name == "" {
		return Origin{}, fmt.Errorf("reading %q: it is not what belongs there", file)
	}
	return o, nil
}
