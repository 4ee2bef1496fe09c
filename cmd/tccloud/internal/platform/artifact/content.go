package artifact

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/platform/batch"
)

// Spool is content that is being received: a file that nobody else sees. Close it in any case.
type Spool struct {
	file *os.File
	zip  *gzip.Writer
	hash hash.Hash
	size int64
}

// Spool returns an empty one.
func (s *Store) Spool() (*Spool, error) {
	if err := s.Room(16 << 20); err != nil { // a usual batch has less; the disk's reserve is larger than one that has most
		return nil, err
	}
	f, err := os.CreateTemp(s.Dir, "batch-")
	if err != nil {
		return nil, fmt.Errorf("receiving a batch: %w", err)
	}
	z, _ := gzip.NewWriterLevel(f, gzip.BestSpeed) // the level is valid
	return &Spool{file: f, zip: z, hash: sha256.New()}, nil
}

// Write implements io.Writer.
func (p *Spool) Write(b []byte) (int, error) {
	n, err := p.zip.Write(b)
	_, _ = p.hash.Write(b[:n])
	p.size += int64(n)
	return n, err
}

// Close removes the file.
func (p *Spool) Close() {
	_ = p.file.Close()
	_ = os.Remove(p.file.Name())
}

// Complete stores the content of a batch and then its record. If the batch has the same content
// already, because the App did not hear of it, nothing changes.
func (s *Store) Complete(ctx context.Context, ref wire.Ref, id int, p *Spool, report batch.Report) (Artifact, error) {
	if err := p.zip.Close(); err != nil {
		return Artifact{}, fmt.Errorf("receiving a batch: %w", err)
	}
	stored, err := p.file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = p.file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return Artifact{}, fmt.Errorf("receiving a batch: %w", err)
	}
	sum := wire.SHA256(hex.EncodeToString(p.hash.Sum(nil)))
	r, revision, err := s.get(ctx, ref.Order, id)
	switch {
	case err != nil:
		return Artifact{}, err
	case r.Attempt != ref.Attempt || r.Kind != Batch:
		return Artifact{}, ErrNotFound
	case r.State == Completed && r.SHA256 == sum:
		return r.Artifact, nil
	case r.State == Completed:
		return Artifact{}, ErrCompleted
	}
	done, err := s.reserve(ctx, ref, stored)
	if err != nil {
		return Artifact{}, err
	}
	r.Object = key(ref.Order, id) + "." + rand.Text()[:8] // another upload of the same batch may be under way
	if err := s.Config.Content.Put(ctx, jetstream.ObjectMeta{Name: r.Object}, p.file); err != nil {
		done(false)
		return Artifact{}, fmt.Errorf("storing a batch: %w", err)
	}
	r.State, r.Report, r.Size, r.SHA256, r.Stored = Completed, &report, p.size, sum, stored
	data, err := json.Marshal(r)
	if err == nil {
		_, err = s.Records.Update(ctx, key(ref.Order, id), data, revision)
	}
	if err == nil {
		done(true)
		return r.Artifact, nil
	}
	done(false)
	// Perhaps it was written all the same, and the answer lost.
	if now, _, getErr := s.get(ctx, ref.Order, id); getErr == nil && now.State == Completed && now.SHA256 == sum {
		if now.Object != r.Object {
			_ = s.Config.Content.Delete(ctx, r.Object) // else Sweep does it
		}
		return now.Artifact, nil
	}
	if errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		return Artifact{}, ErrCompleted // by another upload
	}
	return Artifact{}, fmt.Errorf("storing a batch: %w", err)
}

// reserve counts so many bytes as the attempt's; done says whether they are.
func (s *Store) reserve(ctx context.Context, ref wire.Ref, bytes int64) (done func(ok bool), err error) {
	u, err := s.usage(ctx, ref)
	if err != nil {
		return nil, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.bytes+bytes > MaxContent {
		return nil, ErrLimit
	}
	u.bytes += bytes
	return func(ok bool) {
		if !ok {
			u.mu.Lock()
			defer u.mu.Unlock()
			u.bytes -= bytes
		}
	}, nil
}

// decompressed reads what a Spool wrote.
func decompressed(r io.ReadCloser) (io.ReadCloser, error) {
	z, err := gzip.NewReader(bufio.NewReader(r))
	if err != nil {
		return nil, fmt.Errorf("reading a batch: %w", err)
	}
	return struct {
		io.Reader
		io.Closer
	}{z, r}, nil
}
