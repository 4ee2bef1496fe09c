package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"tcenvsvr/agent/app/fault"
	"tcenvsvr/agent/disk/space"
)

// fetch downloads, verifies and installs. The download stands in .incoming/<sha256>.part while it
// lasts.
//
//	.part of an earlier try? ─ hash it ─► Fetch(offset) ─► append, hash ─► sha256 ok ─► unpack
//	        ▲ broke off after some progress ──────┘           └ wrong ─► remove;
//	        └──────────────── from 0, once, if bytes of an earlier try were among it
func (c *Catalog) fetch(ctx context.Context, ref Ref, fetch Fetch) (App, error) {
	part := filepath.Join(c.incoming, ref.SHA256+partSuffix)
	err := c.download(ctx, ref, part, fetch)
	if errors.Is(err, errStale) {
		err = c.download(ctx, ref, part, fetch)
	}
	if err != nil {
		return App{}, err
	}
	app, err := c.place(ctx, ref, part)
	if err == nil || !temporary(err) {
		_ = os.Remove(part)
	}
	return app, err
}

// errStale is a wrong hash that bytes of an earlier run may have caused: a power cut can leave
// zeros in place of data.
var errStale = errors.New("an earlier part was damaged")

// download completes part. It resumes at once as long as every try adds bytes; otherwise the caller
// decides when to try again.
func (c *Catalog) download(ctx context.Context, ref Ref, part string, fetch Fetch) error {
	f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return storeError(fmt.Errorf("downloading App %q: %w", ref.Name, err))
	}
	defer f.Close()
	sum := sha256.New()
	have, err := io.Copy(sum, f)
	if err != nil {
		return storeError(fmt.Errorf("downloading App %q: %w", ref.Name, err))
	}
	stale := have > 0
	if err := space.Check(c.incoming, ref.Size-have); err != nil {
		return storeError(fmt.Errorf("downloading App %q: %w", ref.Name, err))
	}
	for have < ref.Size {
		n, err := appendFrom(ctx, f, sum, have, ref, fetch)
		have += n
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && (n == 0 || !temporary(err) || Code(err) == fault.NoSpace) {
			if Code(err) == fault.SizeMismatch {
				_ = os.Remove(part)
			}
			return err
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); have > ref.Size || got != ref.SHA256 {
		_ = os.Remove(part)
		err := fault.New(fault.SHA256Mismatch, "downloading App %q: its sha256 is %s, the order says %s", ref.Name, got, ref.SHA256)
		if stale {
			return fmt.Errorf("%w: %w", errStale, err)
		}
		return err
	}
	return nil
}

// appendFrom asks for the package from offset have and appends what comes, no more than belongs to
// it.
func appendFrom(ctx context.Context, f *os.File, sum hash.Hash, have int64, ref Ref, fetch Fetch) (int64, error) {
	r, err := fetch(ctx, have)
	if err != nil {
		return 0, &Error{Code: fault.Download, Err: fmt.Errorf("downloading App %q: %w", ref.Name, err)}
	}
	defer r.Close()
	stop := context.AfterFunc(ctx, func() { _ = r.Close() })
	defer stop()
	want := ref.Size - have
	dst := &sink{f: f, sum: sum, left: want}
	n, err := io.Copy(dst, io.LimitReader(r, want+1))
	switch {
	case dst.err != nil:
		return n, storeError(fmt.Errorf("downloading App %q: %w", ref.Name, dst.err))
	case dst.over:
		return want, fault.New(fault.SizeMismatch, "downloading App %q: longer than the %d bytes the order says", ref.Name, ref.Size)
	case err != nil:
		return n, &Error{Code: fault.Download, Err: fmt.Errorf("downloading App %q: %w", ref.Name, err)}
	case n < want:
		return n, fault.New(fault.Truncated, "downloading App %q: it ended after %d of %d bytes", ref.Name, have+n, ref.Size)
	}
	return n, nil
}

// sink writes and hashes at most left bytes and remembers its own errors.
type sink struct {
	f    io.Writer
	sum  hash.Hash
	left int64
	over bool
	err  error
}

func (s *sink) Write(p []byte) (int, error) {
	if int64(len(p)) > s.left {
		s.over = true
		p = p[:s.left]
	}
	n, err := s.f.Write(p)
	s.sum.Write(p[:n])
	s.left -= int64(n)
	if err != nil {
		s.err = err
	} else if s.over {
		err = io.ErrShortWrite
	}
	return n, err
}
