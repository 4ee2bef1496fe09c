package gateway_test

import (
	"slices"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
	"tcenvsvr/cmd/tccloud/internal/dispatch"
	rig "tcenvsvr/cmd/tccloud/internal/gateway/gatewaytest"
)

// obey answers every order at once, as an agent with a very quick App would.
func obey(a *rig.Agent) {
	for {
		m, err := a.Recv()
		if err != nil {
			return
		}
		o, ok := m.(*wire.Order)
		if !ok {
			continue
		}
		a.Conn.Write(&wire.Accepted{Ref: o.Ref})
		a.Conn.Write(&wire.Progress{Ref: o.Ref, State: wire.StateRunning})
		a.Conn.Write(&wire.Log{Ref: o.Ref, Stream: wire.Stdout, Data: []byte("hello\n")})
		a.Conn.Write(rig.Result(o.Ref))
		a.Conn.Write(&wire.Credit{N: 1})
	}
}

// BenchmarkLatency is from Submit to the order's arrival at an idle agent.
func BenchmarkLatency(b *testing.B) {
	c := rig.Start(b, rig.Options{})
	a := c.Agent("s1", 1)
	var all []time.Duration
	for b.Loop() {
		began := time.Now()
		e := c.Submit()
		o := rig.Expect[*wire.Order](a)
		all = append(all, time.Since(began))
		if o.Order != e.ID {
			b.Fatal("another order came")
		}
		a.Send(rig.Result(o.Ref))
		rig.Expect[*wire.ResultAck](a)
		a.Send(&wire.Credit{N: 1})
		for c.Dispatcher.Free(rig.Env) == 0 {
			time.Sleep(100 * time.Microsecond)
		}
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkThroughput is of orders that pass by the queue, from Submit to the stored result, with 8
// slots.
func BenchmarkThroughput(b *testing.B) {
	c := rig.Start(b, rig.Options{})
	go obey(c.Agent("s1", 4))
	go obey(c.Agent("s2", 4))
	b.ResetTimer()
	ids := make(chan wire.OrderID, b.N)
	go func() {
		for range b.N {
			e, err := c.Dispatcher.Submit(b.Context(), rig.Request())
			if err != nil {
				b.Error(err)
			}
			ids <- e.ID
		}
		close(ids)
	}()
	for id := range ids {
		c.Wait(id, func(e dispatch.Execution) bool { return e.Terminal() })
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
}
