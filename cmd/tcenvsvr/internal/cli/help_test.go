package cli

import (
	"testing"

	"tcenvsvr/cmd/internal/cli/clitest"
	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

func TestHelp(t *testing.T) { clitest.Help(t, newRoot(&env.Env{})) }
