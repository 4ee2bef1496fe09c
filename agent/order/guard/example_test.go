package guard_test

import (
	"context"
	"errors"
	"fmt"

	"tcenvsvr/agent/app"
	"tcenvsvr/agent/app/policy"
	"tcenvsvr/agent/link/wire"
	"tcenvsvr/agent/order/guard"
)

// An order on its way: without a policy it passes as it came, but for what this server cannot open.
func Example() {
	g := guard.New(guard.Config{Policy: policy.NewFile("/nowhere/policy.yaml"), Environment: "plant-7"})
	order := wire.Order{Ref: wire.Ref{Order: "order-1", Attempt: 1}, App: wire.AppRef{Name: "ACME_Scan"}}
	start := func(params map[string]string) {
		pass, err := g.Arrived(order)
		if err != nil {
			fmt.Println(err)
			return
		}
		grant, err := pass.Start(context.Background(), app.App{}, params)
		if r, refused := errors.AsType[*guard.Refusal](err); refused {
			fmt.Println(r.Code+":", r)
			return
		}
		fmt.Println(grant.Params["host"])
	}
	start(map[string]string{"host": "db.internal"})
	start(map[string]string{"host": "tcsealed:v1:AAAA"})
	// Output:
	// db.internal
	// order.sealed: parameter "host" is sealed, and this server has no sealing key: it has no keychain
}
