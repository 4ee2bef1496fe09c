package cli

import (
	"bytes"
	"errors"
	"testing"

	"tcenvsvr/cmd/tcenvsvr/internal/cli/verb"
)

// TestErrorsAreHarmless: what a cloud or a file says does not command the terminal.
func TestErrorsAreHarmless(t *testing.T) {
	var out bytes.Buffer
	code := report(&verb.Env{Stderr: &out}, errors.New("reading \"\x1b]0;owned\x07\x1b[2Jä…\r\u202e\xff\"\nhint: try again"))
	if got, want := out.String(), "tcenvsvr: reading \"]0;owned[2Jä…?\"\nhint: try again\n"; code != 1 || got != want {
		t.Errorf("got %d, %q; want %q", code, got, want)
	}
}
