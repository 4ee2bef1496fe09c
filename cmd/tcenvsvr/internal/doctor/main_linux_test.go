package doctor

import (
	"testing"

	"tcenvsvr/agent/host/setup/hosttest"
)

func run(m *testing.M) { hosttest.Main(m) }
