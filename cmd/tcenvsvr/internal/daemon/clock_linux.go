package daemon

import "golang.org/x/sys/unix"

// monotonicMicros is the clock systemd compares a reload with.
func monotonicMicros() int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 0
	}
	return now.Nano() / 1000
}
