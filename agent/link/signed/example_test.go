package signed_test

import (
	"crypto/ed25519"
	"fmt"
	"os"
	"strings"
	"time"

	"tcenvsvr/agent/link/signed"
	"tcenvsvr/agent/link/wire"
)

func Example() {
	public, private, _ := ed25519.GenerateKey(nil)
	id, now := signed.KeyID{1}, time.Now()
	order := &wire.Order{
		Ref: wire.Ref{Order: "order-1", Attempt: 1}, Runtime: wire.RuntimeJob, TimeoutMS: 60_000,
		App:    wire.AppRef{Name: "TC_-_Ping", Version: "1.0.0", Size: 1, SHA256: wire.SHA256(strings.Repeat("00", 32))},
		Params: map[string]string{"host": "db.internal"},
	}
	dir, _ := os.MkdirTemp("", "journal")
	defer os.RemoveAll(dir)
	replays := signed.NewReplays(dir)
	_ = replays.Ready(now.Add(-time.Minute)) // the agent started a minute ago

	// The operator:
	signature, err := signed.Sign(order, signed.Terms{KeyID: id, Environment: "plant-7", MadeAt: now, NotAfter: now.Add(time.Hour)}, private)
	if err != nil {
		fmt.Println(err)
		return
	}

	// The agent:
	keys := []signed.Key{{Name: "ada", ID: id, Public: public}}
	verified, err := signed.Verify(order, &signature, "plant-7", keys, now)
	fmt.Println("accepted:", verified.Signer(), err)
	fmt.Println("started:", replays.Start(verified, order.Params, now))
	fmt.Println("ended:", replays.Ended(order.Ref, wire.Succeeded, false))

	// A cloud that was taken over:
	order.Attempt = 2
	again, _ := signed.Verify(order, &signature, "plant-7", keys, now)
	fmt.Println(replays.Start(again, order.Params, now))
	order.App.SHA256 = wire.SHA256(strings.Repeat("ff", 32))
	_, err = signed.Verify(order, &signature, "plant-7", keys, now)
	fmt.Println(err)
	// Output:
	// accepted: ada <nil>
	// started: <nil>
	// ended: <nil>
	// the signed order was started here before: as attempt 1; sign a new order
	// the order's signature is not good: key 0000000000000001 did not sign this; the order was changed on its way
}
