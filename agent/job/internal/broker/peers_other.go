//go:build !linux

package broker

// peersOf is not told by this system; then the token alone decides.
func peersOf(int) map[string]peer { return nil }
