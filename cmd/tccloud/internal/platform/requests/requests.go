package requests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"tcenvsvr/agent/app/api/upstream"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/store/bucket"
)

// Stream is the name of the stream.
const Stream = "PLATFORM"

// StreamConfig is the stream: one message for each request; the oldest are removed first.
func StreamConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: Stream, Subjects: []string{"platform.*"},
		MaxBytes: 256 << 20, MaxMsgsPerSubject: 10_000, Discard: jetstream.DiscardOld,
	}
}

// Request is one that was passed on.
type Request struct {
	Attempt wire.Attempt `json:"attempt"`
	upstream.Passed
}

// Log is safe for concurrent use.
type Log struct{ JS jetstream.JetStream }

// Add remembers a request.
func (l Log) Add(ctx context.Context, ref wire.Ref, p upstream.Passed) error {
	data, err := json.Marshal(Request{ref.Attempt, p})
	if err == nil {
		_, err = l.JS.Publish(ctx, "platform."+string(ref.Order), data)
	}
	if err != nil {
		return fmt.Errorf("remembering a request to the platform: %w", err)
	}
	return nil
}

// List returns the requests of an order, oldest first.
func (l Log) List(ctx context.Context, order wire.OrderID) ([]Request, error) {
	consumer, err := l.JS.OrderedConsumer(ctx, Stream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{"platform." + string(order)}, MaxResetAttempts: bucket.ReadAttempts,
	})
	if err != nil {
		return nil, fmt.Errorf("listing requests to the platform: %w", err)
	}
	list := []Request{}
	for {
		part, err := consumer.FetchNoWait(500)
		if err != nil {
			return nil, fmt.Errorf("listing requests to the platform: %w", err)
		}
		n := 0
		for m := range part.Messages() {
			n++
			var r Request
			if err := json.Unmarshal(m.Data(), &r); err != nil {
				return nil, fmt.Errorf("listing requests to the platform: %w", err)
			}
			list = append(list, r)
		}
		if err := part.Error(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("listing requests to the platform: %w", err)
		}
		if n == 0 {
			return list, nil
		}
	}
}
