package link

import (
	"context"

	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/wire"
)

// Probe connects once, as [Link.Run] would, and asks whether the cloud would open a session. It
// opens none, so a running agent of the same identity is not disturbed. Of several brokers the first
// that answers decides. The error is a *fault.Fault. c needs no Handler.
func Probe(ctx context.Context, c Config) (wire.Probed, error) {
	l, err := New(c)
	if err != nil {
		return wire.Probed{}, fault.New(fault.Hello, "hello.invalid", err, "%v", err)
	}
	var f *fault.Fault
	for _, b := range l.order() {
		var answer *wire.Probed
		answer, f = l.probeAt(ctx, b)
		if f == nil {
			return *answer, nil
		}
		if !l.judge(b, &ended{fault: f}) || ctx.Err() != nil {
			break
		}
	}
	return wire.Probed{}, f
}

func (l *Link) probeAt(ctx context.Context, b *broker) (*wire.Probed, *fault.Fault) {
	cn, f := l.connect(ctx, b)
	if f != nil {
		return nil, f
	}
	defer func() { _ = cn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = cn.Close() })
	defer stop()
	return l.probe(cn)
}

func (l *Link) probe(c *conn.Conn) (*wire.Probed, *fault.Fault) {
	hello := l.conf.Hello()
	hello.Probe = true
	m, _, end := exchange(c, &hello)
	if end != nil {
		return nil, end.fault
	}
	if p, ok := m.(*wire.Probed); ok {
		return p, nil
	}
	return nil, refused(fault.Hello, m).fault
}
