package bucket

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// chunkSize is what one message of an object holds: well below the message limit of an external
// NATS (1 MiB), and large enough that an fsync for each is bearable.
const chunkSize = 512 << 10

// cleanTimeout bounds the removal of the chunks of a Put that failed.
const cleanTimeout = 10 * time.Second

// Objects is a bucket of contents of any size, in the format of NATS's own object stores (ADR-20).
// It reads and writes one chunk at a time. NATS's client sends up to 4,000 chunks before it waits
// for the first to be stored, which is more than a server accepts ("too many requests"), gives a
// reader five seconds for the whole, and uses 64 MB for a slow one.
type Objects struct {
	meta     jetstream.ObjectStore // entries; never contents
	js       jetstream.JetStream
	stream   jetstream.Stream
	name     string
	prefix   string // of subjects
	alone    bool   // no other copy could know more
	removing func(stream string, n int, remove func() error) error
}

// ObjectsPrefix is what the name of a stream starts with that holds a bucket of objects.
const ObjectsPrefix = "OBJ_"

// ObjectsConfig is what Objects are made of.
type ObjectsConfig struct {
	Name   string                // of the bucket
	Meta   jetstream.ObjectStore // the bucket as NATS's client has it; it is asked for entries, never for contents
	JS     jetstream.JetStream   // publishes chunks and entries; it retries and keeps away from the end of the disk
	Stream jetstream.Stream      // that holds the bucket
	// Alone: there is no other copy of the stream that could know of more chunks.
	Alone bool
	// Removing calls remove after it has noted that a stream is about to lose n messages.
	Removing func(stream string, n int, remove func() error) error
}

// NewObjects returns the bucket that cfg describes.
func NewObjects(cfg ObjectsConfig) *Objects {
	return &Objects{
		meta: cfg.Meta, js: cfg.JS, stream: cfg.Stream, name: cfg.Name, prefix: "$O." + cfg.Name,
		alone: cfg.Alone, removing: cfg.Removing,
	}
}

func (o *Objects) chunks(nuid string) string { return o.prefix + ".C." + nuid }

func (o *Objects) entry(name string) string {
	return o.prefix + ".M." + base64.URLEncoding.EncodeToString([]byte(name))
}

// Put stores all of r as the object meta.Name, and replaces an older one. The object is durable
// when Put returns; until then, and after an error, the old one stays.
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
		o.purge(ctx, old) // if it fails they are garbage
	}
	return err
}

// replace makes info the entry of its name, and stores the entry that it replaced in old, whose
// chunks are not needed any more. If several do so at once each replaces another one, so that no
// chunks are forgotten.
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
		return nil // an earlier try, whose answer was lost, has done it
	}
	*old = was
	return err
}

// overtaken reports that an entry has to be written again: another writer was faster, or it is not
// known whether it was written.
func overtaken(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant) ||
		busy(err) || Unanswered(err)
}

// PutBytes is Put for content in memory.
func (o *Objects) PutBytes(ctx context.Context, name string, data []byte) error {
	return o.Put(ctx, jetstream.ObjectMeta{Name: name}, bytes.NewReader(data))
}

// send publishes r in chunks and sets size and digest of info.
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
			m.Header.Set(jetstream.MsgIDHeader, info.NUID+"-"+strconv.Itoa(int(info.Chunks))) // if it is sent twice, it is stored once
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
	_, err := retry(ctx, func(err error) bool { return busy(err) || Unanswered(err) }, func() (*jetstream.PubAck, error) {
		return o.js.PublishMsg(ctx, m)
	})
	return err
}

// purge removes an object's chunks. If it fails they are garbage.
func (o *Objects) purge(ctx context.Context, info jetstream.ObjectInfo) {
	if info.Chunks == 0 || info.Deleted {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
	defer cancel()
	_ = o.removing(ObjectsPrefix+o.name, int(info.Chunks), func() error {
		return o.stream.Purge(ctx, jetstream.WithPurgeSubject(o.chunks(info.NUID)))
	})
}

// GetInfo describes an object. It returns jetstream.ErrObjectNotFound only if there certainly is
// none.
func (o *Objects) GetInfo(ctx context.Context, name string) (*jetstream.ObjectInfo, error) {
	info, err := o.meta.GetInfo(ctx, name)
	return info, o.confirm(ctx, name, err)
}

// Delete removes an object with its entry and chunks, or returns jetstream.ErrObjectNotFound.
func (o *Objects) Delete(ctx context.Context, name string) error { return o.delete(ctx, name, nil) }

// DeleteBefore is Delete for an object that was stored before t, and does nothing to one that was stored
// since, even if that happens while it is removed.
func (o *Objects) DeleteBefore(ctx context.Context, name string, t time.Time) error {
	return o.delete(ctx, name, func(stored time.Time) bool { return !stored.Before(t) })
}

// delete removes an object unless keep, which may be nil, says so of the time when it was stored.
func (o *Objects) delete(ctx context.Context, name string, keep func(stored time.Time) bool) error {
	last, err := retry(ctx, busy, func() (*jetstream.RawStreamMsg, error) {
		return o.stream.GetLastMsgForSubject(ctx, o.entry(name))
	})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return o.confirm(ctx, name, jetstream.ErrObjectNotFound)
	}
	if err != nil {
		return err
	}
	if keep != nil && keep(last.Time) {
		return nil
	}
	var info jetstream.ObjectInfo
	if err := json.Unmarshal(last.Data, &info); err != nil {
		return fmt.Errorf("reading the entry of object %q: %w", name, err)
	}
	err = o.removing(ObjectsPrefix+o.name, 1, func() error {
		return retryBusy(ctx, func() error {
			return o.stream.Purge(ctx, jetstream.WithPurgeSubject(last.Subject), jetstream.WithPurgeSequence(last.Sequence+1))
		})
	})
	if err != nil {
		return err
	}
	o.purge(ctx, info)
	return nil
}

// confirm returns err, unless that is "no such object" and the stream's index has the object.
func (o *Objects) confirm(ctx context.Context, name string, err error) error {
	if !errors.Is(err, jetstream.ErrObjectNotFound) {
		return err
	}
	if _, why := present(ctx, o.stream, o.entry(name)); why != nil {
		return fmt.Errorf("reading the entry of object %q: %w", name, why)
	}
	return err
}
