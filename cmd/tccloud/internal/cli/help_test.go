package cli

import (
	"testing"

	"tcenvsvr/cmd/internal/cli/clitest"
	"tcenvsvr/cmd/tccloud/internal/cli/operator"
)

func TestHelp(t *testing.T) { clitest.Help(t, newRoot(&operator.Env{})) }
