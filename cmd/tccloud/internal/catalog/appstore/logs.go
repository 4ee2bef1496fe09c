package appstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/app/api"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/logging/plain"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// LogConfig is the stream of logs that Apps send over the API (tc_log_to_api): one message for each
// batch; the oldest are removed first.
func LogConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: LogStream, Subjects: []string{"applog.*"},
		MaxBytes: 1 << 30, MaxMsgsPerSubject: 1000, Discard: jetstream.DiscardOld,
	}
}

// maxBatch keeps a message below the limit of an external NATS.
const maxBatch = 512 << 10

// AppendLog implements api.Runs. Entries that are too long for a message are cut off.
func (s *Store) AppendLog(ctx context.Context, session api.Session, entries []api.LogEntry) error {
	r, err := Ref(session)
	if err != nil {
		return err
	}
	for len(entries) > 0 {
		n, bytes := 0, 0
		for n < len(entries) {
			e := &entries[n]
			if len(e.Message) > maxBatch/8 { // escaped, a byte may become six
				e.Message = plain.Head(e.Message, maxBatch/8)
			}
			e.Level = plain.Head(e.Level, 16)
			if bytes += 6*len(e.Message) + len(e.Level) + 64; n > 0 && bytes > maxBatch {
				break
			}
			n++
		}
		data, err := json.Marshal(entries[:n])
		if err != nil {
			return err
		}
		if _, err := s.JS.Publish(ctx, "applog."+string(r.Order), data); err != nil {
			return fmt.Errorf("keeping an App's log: %w", err)
		}
		entries = entries[n:]
	}
	return nil
}

// Log returns the entries that the App of an order sent, oldest first.
func (s *Store) Log(ctx context.Context, order wire.OrderID) ([]api.LogEntry, error) {
	consumer, err := s.JS.OrderedConsumer(ctx, LogStream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{"applog." + string(order)}, MaxResetAttempts: bucket.ReadAttempts,
	})
	if err != nil {
		return nil, fmt.Errorf("reading an App's log: %w", err)
	}
	var all []api.LogEntry
	for {
		batch, err := consumer.FetchNoWait(100)
		if err != nil {
			return nil, fmt.Errorf("reading an App's log: %w", err)
		}
		n := 0
		for m := range batch.Messages() {
			n++
			var entries []api.LogEntry
			if err := json.Unmarshal(m.Data(), &entries); err == nil {
				all = append(all, entries...)
			}
		}
		if err := batch.Error(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("reading an App's log: %w", err)
		}
		if n == 0 {
			return all, nil
		}
	}
}

// Line is an entry as people read it.
func Line(e api.LogEntry) string {
	at := time.UnixMilli(e.TimestampMS).UTC().Format("2006-01-02T15:04:05.000Z")
	return fmt.Sprintf("%s %-8s %s\n", at, e.Level, strings.TrimRight(e.Message, "\n"))
}
