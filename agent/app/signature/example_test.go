package signature_test

import (
	"fmt"
	"strings"
	"time"

	"tcenvsvr/agent/app/signature"
)

// A publisher signs with a new key while Environment Servers still accept the old one too.
func Example() {
	old, _ := signature.Generate()
	current, _ := signature.Generate()

	s, err := signature.Sign(current, strings.NewReader("the bytes of TCPB_-_Ping.tcx"),
		signature.Comment{App: "TCPB_-_Ping", Version: "1.0.2", Time: time.Unix(1795965636, 0)})
	if err != nil {
		fmt.Println(err)
		return
	}
	file := s.Encode() // beside the package, as TCPB_-_Ping.tcx.minisig

	got, err := signature.Decode(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := got.Verify(strings.NewReader("the bytes of TCPB_-_Ping.tcx"), old.Public(), current.Public())
	fmt.Println(key == current.Public(), err)
	fmt.Println(got.Comment().App, got.Comment().Version, got.Comment().Time.Format(time.DateOnly))
	// Output:
	// true <nil>
	// TCPB_-_Ping 1.0.2 2026-11-29
}
