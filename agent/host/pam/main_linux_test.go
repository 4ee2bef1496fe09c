package pam_test

import (
	"testing"

	"tcenvsvr/agent/host/setup/hosttest"
)

func TestMain(m *testing.M) { hosttest.Main(m) }
