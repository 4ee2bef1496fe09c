package link

import (
	"context"

	"tcenvsvr/agent/link/conn"
	"tcenvsvr/agent/link/fault"
	"tcenvsvr/agent/link/wire"
)

// Probe connects once, as [Link.Run] would, and asks whether the cloud would open a session. It
// opens none, so a running agent of the same identity is not disturbed. The error is a
// *fault.Fault. c needs no Handler.
func Probe(ctx context.Context, c Config) (wire.Probed, error) {
	l, err := newLink(c)
	if err != nil {
		return wire.Probed{}, fault.New(fault.Hello, "hello.invalid", err, "%v", err)
	}
	cn, f := l.connect(ctx)
	if f != nil {
		return wire.Probed{}, f
	}
	defer func() { _ = cn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = cn.Close() })
	defer stop()
	answer, f := l.probe(cn)
	if f != nil {
		return wire.Probed{}, f
	}
	return *answer, nil
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
