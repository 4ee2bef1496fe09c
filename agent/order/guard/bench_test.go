package guard_test

import (
	"fmt"
	"testing"
	"time"

	"tcenvsvr/agent/link/wire"
)

// BenchmarkPass is what the guard costs an order whose App is installed: without a policy, with a
// publisher's rule, and signed besides (which syncs the memory of signed orders).
func BenchmarkPass(b *testing.B) {
	h, k := newHost(b), key(b)
	h.text = sign(b, k)
	for _, c := range []struct{ name, policy string }{{"no policy", ""}, {"publisher", ours(k, "")}} {
		b.Run(c.name, func(b *testing.B) {
			if c.policy != "" {
				h.put(c.policy)
			}
			for b.Loop() {
				p, err := h.guard.Arrived(order())
				must(b, err)
				if _, err := p.Start(b.Context(), installed(), order().Params); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("signed order", func(b *testing.B) {
		h.put(signers(k, "required"))
		for i := 0; b.Loop(); i++ {
			b.StopTimer()
			o := order()
			o.Order = wire.OrderID(fmt.Sprintf("bench-%d-%d", time.Now().UnixNano(), i))
			o = signedBy(b, k, o, environment, time.Now())
			b.StartTimer()
			p, err := h.guard.Arrived(o)
			must(b, err)
			if _, err := p.Start(b.Context(), installed(), o.Params); err != nil {
				b.Fatal(err)
			}
		}
	})
}
