package exchange

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"tcenvsvr/agent/app/api"
)

// Between gateways a value goes in pieces: a NATS server takes messages of 1 MB.
const (
	subject  = "tccloud.exchange."
	piece    = 512 << 10
	wait     = 5 * time.Second
	maxValue = 64 << 20
)

// Names of headers.
const (
	headerContext = "Context"
	headerName    = "Name"
	headerOffset  = "Offset"
	headerTotal   = "Total"
	headerPut     = "Put" // the upload that the piece belongs to
	headerError   = "Error"
)

// Run answers other gateways until ctx ends.
func (x *Exchange) Run(ctx context.Context) error {
	uploads := map[string][]byte{} // used by the one goroutine of the subscription
	sub, err := x.conn.Subscribe(subject+x.gateway, func(m *nats.Msg) {
		answer := nats.NewMsg(m.Reply)
		if err := x.serve(m, answer, uploads); err != nil {
			answer.Header.Set(headerError, err.Error())
		}
		_ = m.RespondMsg(answer)
	})
	if err != nil {
		return fmt.Errorf("listening to other gateways: %w", err)
	}
	<-ctx.Done()
	_ = sub.Unsubscribe()
	return nil
}

var errPieces = errors.New("the pieces of a value do not fit together")

func (x *Exchange) serve(m, answer *nats.Msg, uploads map[string][]byte) error {
	kvContext, name := m.Header.Get(headerContext), m.Header.Get(headerName)
	offset, err := strconv.Atoi(m.Header.Get(headerOffset))
	if err != nil || offset < 0 {
		return errPieces
	}
	x.mu.Lock()
	value, found := x.open[kvContext][name]
	_, open := x.open[kvContext]
	x.mu.Unlock()
	upload := m.Header.Get(headerPut)
	if upload == "" {
		if !found || offset > len(value) {
			return api.ErrNotFound
		}
		answer.Header.Set(headerTotal, strconv.Itoa(len(value)))
		answer.Data = value[offset:min(len(value), offset+piece)]
		return nil
	}
	total, err := strconv.Atoi(m.Header.Get(headerTotal))
	got := uploads[upload]
	switch {
	case err != nil || total < 0 || total > maxValue || offset != len(got) || len(got)+len(m.Data) > total:
		delete(uploads, upload)
		return errPieces
	case !open: // over
		delete(uploads, upload)
		return nil
	case len(uploads) > 64: // gateways that died left them
		clear(uploads)
		return errors.New("too many values are being brought at once")
	}
	if got = append(got, m.Data...); len(got) < total {
		uploads[upload] = got
		return nil
	}
	delete(uploads, upload)
	return x.Put(context.Background(), kvContext, name, got)
}

func (x *Exchange) request(ctx context.Context, peer, kvContext, name string, offset int, set func(*nats.Msg)) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	m := nats.NewMsg(subject + peer)
	m.Header.Set(headerContext, kvContext)
	m.Header.Set(headerName, name)
	m.Header.Set(headerOffset, strconv.Itoa(offset))
	set(m)
	answer, err := x.conn.RequestMsgWithContext(ctx, m)
	if errors.Is(err, nats.ErrNoResponders) { // that gateway is gone, and the request with it
		return nil, api.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("asking another gateway: %w", err)
	}
	switch text := answer.Header.Get(headerError); text {
	case "":
		return answer, nil
	case api.ErrNotFound.Error():
		return nil, api.ErrNotFound
	default:
		return nil, fmt.Errorf("asking another gateway: %s", text)
	}
}

// fetch returns a value that another gateway has.
func (x *Exchange) fetch(ctx context.Context, peer, kvContext, name string) ([]byte, error) {
	var value []byte
	for {
		m, err := x.request(ctx, peer, kvContext, name, len(value), func(*nats.Msg) {})
		if err != nil {
			return nil, err
		}
		total, err := strconv.Atoi(m.Header.Get(headerTotal))
		if err != nil || total < 0 || total > maxValue || len(m.Data) == 0 && len(value) < total {
			return nil, errors.New("asking another gateway: its answer makes no sense")
		}
		if value = append(value, m.Data...); len(value) >= total {
			return value, nil
		}
	}
}

// deliver gives a value to the gateway that has the request.
func (x *Exchange) deliver(ctx context.Context, peer, kvContext, name string, value []byte) error {
	upload := nats.NewInbox()
	for offset := 0; ; offset += piece {
		end := min(len(value), offset+piece)
		_, err := x.request(ctx, peer, kvContext, name, offset, func(m *nats.Msg) {
			m.Header.Set(headerPut, upload)
			m.Header.Set(headerTotal, strconv.Itoa(len(value)))
			m.Data = value[offset:end]
		})
		if errors.Is(err, api.ErrNotFound) {
			return nil
		}
		if err != nil || end == len(value) {
			return err
		}
	}
}
