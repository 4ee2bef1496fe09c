//go:build !linux

package daemon

// monotonicMicros is asked for by systemd only.
func monotonicMicros() int64 { return 0 }
