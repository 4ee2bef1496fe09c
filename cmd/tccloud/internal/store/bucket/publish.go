package bucket

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Publisher is a jetstream.JetStream whose publishing outlasts a busy server and stays away from
// the end of the disk.
type Publisher struct {
	jetstream.JetStream
	admit func() error
}

// NewPublisher wraps js. Each message asks admit first.
func NewPublisher(js jetstream.JetStream, admit func() error) Publisher { return Publisher{js, admit} }

// Publish implements jetstream.JetStream.
func (p Publisher) Publish(ctx context.Context, subject string, data []byte, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if err := p.admit(); err != nil {
		return nil, err
	}
	return retry(ctx, busy, func() (*jetstream.PubAck, error) { return p.JetStream.Publish(ctx, subject, data, opts...) })
}

// PublishMsg implements jetstream.JetStream.
func (p Publisher) PublishMsg(ctx context.Context, m *nats.Msg, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if err := p.admit(); err != nil {
		return nil, err
	}
	return retry(ctx, busy, func() (*jetstream.PubAck, error) { return p.JetStream.PublishMsg(ctx, m, opts...) })
}
