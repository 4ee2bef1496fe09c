package store

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
)

// mend makes a stream anew from what can be read of it. NATS can do nothing with a
// damaged message: it neither removes it nor survives a write over it, and on its next recovery
// it throws away all that follows it in the file. The damaged files are kept beside the store.
func (s *Store) mend(ctx context.Context, l loss) error {
	if len(l.subjects) == 0 {
		return nil
	}
	st, err := s.js.Stream(ctx, l.stream)
	if err != nil {
		return err
	}
	kept := fmt.Sprintf("%s.damaged-%s", s.dir, time.Now().UTC().Format("20060102T150405"))
	if err := os.CopyFS(kept+"/"+l.stream, os.DirFS(s.folder(l.stream))); err != nil {
		return fmt.Errorf("keeping the damaged files: %w", err)
	}
	s.log.Warn("damaged files were kept", "stream", l.stream, "folder", kept)
	spool, err := os.OpenFile(kept+"/"+l.stream+".readable", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer spool.Close()
	if err := s.spool(ctx, st, spool); err != nil {
		return fmt.Errorf("reading what is readable: %w", err)
	}
	info := st.CachedInfo()
	if err := s.js.DeleteStream(ctx, l.stream); err != nil {
		return err
	}
	info.Config.FirstSeq = info.State.LastSeq + 1 // revisions never go back
	if _, err := s.js.CreateStream(ctx, info.Config); err != nil {
		return err
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return s.replay(ctx, spool)
}

// keptMsg is a message in the spool.
type keptMsg struct {
	Subject string
	Header  nats.Header
	Data    []byte
}

func (s *Store) spool(ctx context.Context, st jetstream.Stream, f *os.File) error {
	c, err := st.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return err
	}
	out := gob.NewEncoder(f)
	for {
		batch, err := c.Fetch(100, jetstream.FetchMaxWait(s.quiet))
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

func (s *Store) replay(ctx context.Context, f *os.File) error {
	in := gob.NewDecoder(f)
	for {
		var k keptMsg
		err := in.Decode(&k)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			_, err = s.js.PublishMsg(ctx, &nats.Msg{Subject: k.Subject, Header: k.Header, Data: k.Data})
		}
		if err != nil {
			return fmt.Errorf("writing what is readable (%s): %w", f.Name(), err)
		}
	}
}
