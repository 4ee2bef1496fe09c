package inventory

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// rebuild makes a stream again from what can be read of it, where something cannot. NATS can do
// nothing with a damaged message: it does not remove it, does not survive a write over it, and at
// its next recovery throws away all that follows it in the file. The damaged files are kept beside
// the store.
func (i *Inventory) rebuild(ctx context.Context, l loss) error {
	if len(l.subjects) == 0 {
		return nil
	}
	st, err := i.js.Stream(ctx, l.stream)
	if err != nil {
		return err
	}
	kept := fmt.Sprintf("%s.damaged-%s", i.server.Dir(), time.Now().UTC().Format("20060102T150405"))
	if err := os.CopyFS(kept+"/"+l.stream, os.DirFS(i.server.Folder(l.stream))); err != nil {
		return fmt.Errorf("keeping the damaged files: %w", err)
	}
	i.log.Warn("damaged files were kept", "stream", l.stream, "folder", kept)
	spool, err := os.OpenFile(kept+"/"+l.stream+".readable", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer spool.Close()
	if err := i.spool(ctx, st, spool); err != nil {
		return fmt.Errorf("reading what is readable: %w", err)
	}
	info := st.CachedInfo()
	if err := i.js.DeleteStream(ctx, l.stream); err != nil {
		return err
	}
	info.Config.FirstSeq = info.State.LastSeq + 1 // revisions never go back
	if _, err := i.js.CreateStream(ctx, info.Config); err != nil {
		return err
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return i.replay(ctx, spool)
}

// keptMsg is a message in the spool.
type keptMsg struct {
	Subject string
	Header  nats.Header
	Data    []byte
}

// spool writes to f all messages that can be read.
func (i *Inventory) spool(ctx context.Context, st jetstream.Stream, f *os.File) error {
	c, err := st.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{MaxResetAttempts: bucket.ReadAttempts})
	if err != nil {
		return err
	}
	out := gob.NewEncoder(f)
	for {
		batch, err := c.Fetch(100, jetstream.FetchMaxWait(i.quiet))
		if err != nil {
			return err
		}
		n := 0
		for m := range batch.Messages() {
			n++
			m.Headers().Del(jetstream.MsgIDHeader)
			m.Headers().Del(jetstream.ExpectedLastSubjSeqHeader)
			if err := out.Encode(keptMsg{m.Subject(), m.Headers(), m.Data()}); err != nil {
				return err
			}
		}
		if n == 0 {
			return errors.Join(ctx.Err(), f.Sync())
		}
	}
}

// replay publishes the messages in f.
func (i *Inventory) replay(ctx context.Context, f *os.File) error {
	in := gob.NewDecoder(f)
	for {
		var k keptMsg
		err := in.Decode(&k)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			_, err = i.js.PublishMsg(ctx, &nats.Msg{Subject: k.Subject, Header: k.Header, Data: k.Data})
		}
		if err != nil {
			return fmt.Errorf("writing what is readable (%s): %w", f.Name(), err)
		}
	}
}
