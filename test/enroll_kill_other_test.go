//go:build !linux

package test

import "tcenvsvr/test/stage"

// enrollmentKilled needs strace.
func (s *scene) enrollmentKilled(*stage.Cloud, *stage.Agent) {
	s.t.Skip("strace is of Linux")
}
