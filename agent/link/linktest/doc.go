// Package linktest is an in-process message broker for tests: a real TLS server on 127.0.0.1 with a
// throw-away CA, which speaks both transports on one port, chosen by ALPN or by the first bytes.
//
//	b := linktest.Start(t, linktest.Config{})
//	l, _ := link.New(link.Config{Address: b.Address(), TLS: b.TLS(t), …})
//	go l.Run(ctx)
//	s := b.Accept(t)                    // hello was read and checked, welcome sent
//	s.Send(t, &wire.Order{…})
//	a := linktest.Expect[*wire.Accepted](t, s)
//	s.CutMidFrame(t); s.Freeze(); s.Close()
//
// It is not a cloud: it stores nothing, and decides nothing after the hello.
package linktest
