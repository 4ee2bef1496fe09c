package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"tcenvsvr/cmd/tcenvsvr/internal/cli/env"
)

// Where nobody can be asked, nothing is changed, and the list says what would have been.
func TestFixIsNotConfirmedWithoutATerminal(t *testing.T) {
	var said bytes.Buffer
	e := &env.Env{Stdin: strings.NewReader("y\n"), Stderr: &said}
	err := confirmFix(t.Context(), e, []string{"users: made"}, false)
	if !errors.Is(err, errUnconfirmed) || !strings.Contains(err.Error(), "--yes") || !strings.Contains(said.String(), "\n  users: made\n") {
		t.Errorf("got %v and %q", err, &said)
	}
	said.Reset()
	if err := confirmFix(t.Context(), e, []string{"users: made"}, true); err != nil || said.Len() > 0 {
		t.Errorf("--yes: got %v and %q", err, &said)
	}
}
