package bucket

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/nats-io/nats.go/jetstream"
)

// Object is the content of an object, fetched while it is read. Read returns io.EOF only if all of
// it was there, and unchanged.
type Object struct {
	*jetstream.ObjectInfo
	fetch func(seq uint64) (*jetstream.RawStreamMsg, error) // the first chunk from there on
	seq   uint64
	left  uint64 // bytes not fetched
	rest  []byte
	hash  hash.Hash
}

// Get returns an object's content, or jetstream.ErrObjectNotFound. ctx bounds all of its reading.
func (o *Objects) Get(ctx context.Context, name string) (*Object, error) {
	info, err := o.GetInfo(ctx, name)
	if err != nil {
		return nil, err
	}
	fetch := func(seq uint64) (*jetstream.RawStreamMsg, error) { return o.fetch(ctx, info, seq) }
	return &Object{info, fetch, 1, info.Size, nil, sha256.New()}, nil
}

// GetBytes is Get for what fits in memory.
func (o *Objects) GetBytes(ctx context.Context, name string) ([]byte, error) {
	object, err := o.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	data := make([]byte, object.Size)
	if _, err := io.ReadFull(object, data); err != nil {
		return nil, err
	}
	if _, err := object.Read(nil); !errors.Is(err, io.EOF) { // it compares the digest
		return nil, err
	}
	return data, nil
}

// fetch reads a chunk. A copy of the stream that lags behind also says that there is none.
func (o *Objects) fetch(ctx context.Context, info *jetstream.ObjectInfo, seq uint64) (*jetstream.RawStreamMsg, error) {
	replaced := false
	again := func(err error) bool {
		return busy(err) || Unanswered(err) || errors.Is(err, jetstream.ErrMsgNotFound) && !replaced && !o.alone
	}
	m, err := retry(ctx, again, func() (*jetstream.RawStreamMsg, error) {
		m, err := o.stream.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(o.chunks(info.NUID)))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			now, err := o.GetInfo(ctx, info.Name)
			replaced = errors.Is(err, jetstream.ErrObjectNotFound) || err == nil && now.NUID != info.NUID
		}
		return m, err
	})
	switch {
	case replaced:
		return nil, errors.New("it was removed or replaced meanwhile")
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return nil, errors.New("a piece of it is missing or damaged in the store; its content has to be stored again")
	}
	return m, err
}

// Read implements io.Reader.
func (c *Object) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		if c.left == 0 {
			if jetstream.GetObjectDigestValue(c.hash) != c.Digest {
				return 0, jetstream.ErrDigestMismatch
			}
			return 0, io.EOF
		}
		m, err := c.fetch(c.seq)
		if err == nil && uint64(len(m.Data)) > c.left {
			err = jetstream.ErrDigestMismatch
		}
		if err != nil {
			return 0, fmt.Errorf("reading object %q: %w", c.Name, err)
		}
		_, _ = c.hash.Write(m.Data)
		c.seq, c.left, c.rest = m.Sequence+1, c.left-uint64(len(m.Data)), m.Data
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// Close implements io.Closer; nothing is held.
func (c *Object) Close() error { return nil }
