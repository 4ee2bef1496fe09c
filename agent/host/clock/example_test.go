package clock_test

import (
	"fmt"
	"time"

	"tcenvsvr/agent/host/clock"
)

func ExampleSkew() {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	theirs := now.Add(90 * time.Second).UnixMilli()
	fmt.Println(clock.Skew(theirs, now, 0))
	// Output: 1m30s
}

func ExampleTrue() {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	fmt.Println(clock.True(now.Add(-time.Hour), now))
	fmt.Println(clock.True(now.Add(time.Hour), now))
	fmt.Println(clock.True(time.Unix(0, 0), now))
	// Output:
	// true
	// false
	// false
}
