package policy_test

import (
	"fmt"
	"strings"
	"time"

	"tcenvsvr/agent/app/policy"
	"tcenvsvr/agent/app/signature"
)

// Who signed a package is found by the policy's keys, and decides.
func Example() {
	key, _ := signature.Generate()
	p, err := policy.Parse([]byte(`
version: 1
publishers:
  acme: [{key: ` + key.Public().String() + `}]
rules:
  - allow: our own Apps
    apps: ACME_*
    publishers: acme
    max-timeout: 30m
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	const tcx = "the bytes of the package"
	now := time.Now()
	s, _ := signature.Sign(key, strings.NewReader(tcx), signature.Comment{App: "ACME_Scan", Version: "1.0.0", Time: now})

	r := policy.Request{App: "ACME_Scan", Version: "1.0.0", Runtime: "job", Timeout: 10 * time.Minute}
	fmt.Println(p.Decide(r).Reason)
	if k, err := s.Verify(strings.NewReader(tcx), p.PublisherKeys(now)...); err == nil {
		r.Publisher, _ = p.Publisher(k, now)
	}
	fmt.Println(p.Decide(r).Reason)
	// Output:
	// App "ACME_Scan" "1.0.0" (signed by no known publisher, "job"): no rule allows it
	// App "ACME_Scan" "1.0.0" (signed by "acme", "job"): rule "our own Apps" allows it
}
