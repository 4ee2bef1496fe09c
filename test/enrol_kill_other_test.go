//go:build !linux

package test

import "tcenvsvr/test/stage"

// enrolmentKilled needs strace.
func (s *scene) enrolmentKilled(*stage.Cloud, *stage.Agent) {
	s.t.Skip("strace is of Linux")
}
