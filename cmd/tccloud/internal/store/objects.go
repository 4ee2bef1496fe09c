package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// chunkSize is what one message of an object holds: well below the message limit
// of an external NATS (1 MiB), and large enough that an fsync for each is bearable.
const chunkSize = 512 << 10

// cleanTime bounds the removal of what a failed Put has left.
const cleanTime = 10 * time.Second

// Objects is a bucket for contents of any size, in the format of NATS's own
// object stores (ADR-20). Reading and writing are done here, one chunk at a time: the
// library sends up to 4,000 chunks before it waits for the first to be stored,
// which is more than a server takes in ("too many requests"), gives a reader
// five seconds for the whole, and keeps 64 MB for one that is slow.
type Objects struct {
	meta   jetstream.ObjectStore // entries; never contents
	js     jetstream.JetStream
	stream jetstream.Stream
	name   string
	prefix string // of subjects
	alone  bool   // no other copy could know more
	leave  func(stream string, n int, f func() error) error
}

// Objects returns the object store called name, created or brought up to
// date. It is for what does not fit in a message: Apps, files, large parameters.
func (s *Store) Objects(ctx context.Context, name string) (*Objects, error) {
	o := &Objects{js: s.js, name: name, prefix: "$O." + name, alone: s.replicas == 1, leave: s.leave}
	cfg := jetstream.ObjectStoreConfig{Bucket: name, Replicas: s.replicas}
	s.making("OBJ_"+name, func(ctx context.Context) error {
		_, err := s.js.CreateOrUpdateObjectStore(ctx, cfg)
		return err
	})
	var err error
	if o.meta, err = s.js.CreateOrUpdateObjectStore(ctx, cfg); err == nil {
		o.stream, err = s.js.Stream(ctx, "OBJ_"+name)
	}
	if err != nil {
		return nil, fmt.Errorf("opening object store %q: %w", name, err)
	}
	return o, nil
}

func (o *Objects) chunks(nuid string) string { return o.prefix + ".C." + nuid }

func (o *Objects) entry(name string) string {
	return o.prefix + ".M." + base64.URLEncoding.EncodeToString([]byte(name))
}

// Put stores all of r as the object name; one of that name is replaced. It
// is durable when Put returns; until then, and after an error, the old one is there.
func (o *Objects) Put(ctx context.Context, meta jetstream.ObjectMeta, r io.Reader) (err error) {
	meta.Opts = &jetstream.ObjectMetaOptions{ChunkSize: chunkSize}
	info := jetstream.ObjectInfo{ObjectMeta: meta, Bucket: o.name, NUID: rand.Text()}
	defer func() {
		if err != nil {
			o.purge(ctx, info)
		}
	}()
	if err := o.send(ctx, &info, r); err != nil {
		return err
	}
	var old jetstream.ObjectInfo
	_, err = retry(ctx, overtaken, func() (struct{}, error) { return struct{}{}, o.replace(ctx, info, &old) })
	if err == nil {
		o.purge(ctx, old) // garbage, where it fails
	}
	return err
}

// replace makes info the entry of its name and notes whose chunks that leaves
// behind. Of several at a time each replaces another one, so that none is forgotten.
func (o *Objects) replace(ctx context.Context, info jetstream.ObjectInfo, old *jetstream.ObjectInfo) error {
	m := nats.NewMsg(o.entry(info.Name))
	var err error
	if m.Data, err = json.Marshal(info); err != nil {
		return err
	}
	var was jetstream.ObjectInfo
	seq := uint64(0)
	switch last, err := o.stream.GetLastMsgForSubject(ctx, m.Subject); {
	case err == nil:
		if err := json.Unmarshal(last.Data, &was); err != nil {
			return fmt.Errorf("reading the entry of object %q: %w", info.Name, err)
		}
		seq = last.Sequence
	case !errors.Is(err, jetstream.ErrMsgNotFound):
		return err
	}
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(seq, 10))
	m.Header.Set(jetstream.MsgIDHeader, info.NUID)
	ack, err := o.js.PublishMsg(ctx, m)
	if err == nil && ack.Duplicate || was.NUID == info.NUID {
		return nil // an earlier try whose answer was lost had come first, and noted it
	}
	*old = was
	return err
}

// overtaken means that an entry is to be written again: somebody else's came first, or
// it is not known what became of it.
func overtaken(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant) ||
		busy(err) || unsure(err)
}

// PutBytes is Put for what is in memory.
func (o *Objects) PutBytes(ctx context.Context, name string, data []byte) error {
	return o.Put(ctx, jetstream.ObjectMeta{Name: name}, bytes.NewReader(data))
}

// send publishes r in chunks and notes size and digest.
func (o *Objects) send(ctx context.Context, info *jetstream.ObjectInfo, r io.Reader) error {
	buf, h := make([]byte, chunkSize), sha256.New()
	for {
		n, err := io.ReadFull(r, buf)
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return err
		}
		if n > 0 {
			m := nats.NewMsg(o.chunks(info.NUID))
			m.Data = buf[:n]
			m.Header.Set(jetstream.MsgIDHeader, info.NUID+"-"+strconv.Itoa(int(info.Chunks))) // sent twice, it is stored once
			if err := o.publish(ctx, m); err != nil {
				return err
			}
			_, _ = h.Write(m.Data)
			info.Size, info.Chunks = info.Size+uint64(n), info.Chunks+1
		}
		if last {
			info.Digest = jetstream.GetObjectDigestValue(h)
			return nil
		}
	}
}

// publish sends one message until the server has it.
func (o *Objects) publish(ctx context.Context, m *nats.Msg) error {
	_, err := retry(ctx, func(err error) bool { return busy(err) || unsure(err) }, func() (*jetstream.PubAck, error) {
		return o.js.PublishMsg(ctx, m)
	})
	return err
}

// purge removes an object's chunks.
func (o *Objects) purge(ctx context.Context, info jetstream.ObjectInfo) {
	if info.Chunks == 0 || info.Deleted {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTime)
	defer cancel()
	_ = o.leave(objPrefix+o.name, int(info.Chunks), func() error {
		return o.stream.Purge(ctx, jetstream.WithPurgeSubject(o.chunks(info.NUID)))
	})
}

// GetInfo describes an object, or returns jetstream.ErrObjectNotFound where
// there certainly is none.
func (o *Objects) GetInfo(ctx context.Context, name string) (*jetstream.ObjectInfo, error) {
	info, err := o.meta.GetInfo(ctx, name)
	return info, o.confirm(ctx, name, err)
}

// List describes all, or returns jetstream.ErrNoObjectsFound.
func (o *Objects) List(ctx context.Context) ([]*jetstream.ObjectInfo, error) { return o.meta.List(ctx) }

// Delete removes an object and every trace of it, or returns jetstream.ErrObjectNotFound.
func (o *Objects) Delete(ctx context.Context, name string) error {
	last, err := retry(ctx, busy, func() (*jetstream.RawStreamMsg, error) {
		return o.stream.GetLastMsgForSubject(ctx, o.entry(name))
	})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return o.confirm(ctx, name, jetstream.ErrObjectNotFound)
	}
	if err != nil {
		return err
	}
	var info jetstream.ObjectInfo
	if err := json.Unmarshal(last.Data, &info); err != nil {
		return fmt.Errorf("reading the entry of object %q: %w", name, err)
	}
	err = o.leave(objPrefix+o.name, 1, func() error {
		return retryNil(ctx, func() error {
			return o.stream.Purge(ctx, jetstream.WithPurgeSubject(last.Subject), jetstream.WithPurgeSequence(last.Sequence+1))
		})
	})
	if err != nil {
		return err
	}
	o.purge(ctx, info)
	return nil
}

// Object is the content of an object, read as it is asked for. The end
// comes only if all of it was there, and unchanged.
type Object struct {
	*jetstream.ObjectInfo
	fetch func(seq uint64) (*jetstream.RawStreamMsg, error) // the first chunk from there on
	seq   uint64
	left  uint64 // bytes not fetched
	rest  []byte
	hash  hash.Hash
}

// Get returns an object's content, or jetstream.ErrObjectNotFound. ctx is for all of its reading.
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
	if _, err := object.Read(nil); !errors.Is(err, io.EOF) { // which looks at the digest
		return nil, err
	}
	return data, nil
}

// fetch reads a chunk. A copy of the stream that lags behind says that there is none, too.
func (o *Objects) fetch(ctx context.Context, info *jetstream.ObjectInfo, seq uint64) (*jetstream.RawStreamMsg, error) {
	replaced := false
	again := func(err error) bool {
		return busy(err) || unsure(err) || errors.Is(err, jetstream.ErrMsgNotFound) && !replaced && !o.alone
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
