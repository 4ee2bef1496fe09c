package bucket

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"
)

// ErrUnreadable means that something is there and could not be read. It is never to be taken for
// "not there".
var ErrUnreadable = errors.New("the store has it and cannot read it")

// present reports whether there is a message on the subject; the error says that it cannot be read.
// NATS answers "no message found" to an I/O error as well, so its index is asked, too.
func present(ctx context.Context, s jetstream.Stream, subject string) (bool, error) {
	for again := true; ; again = false {
		_, err := s.GetLastMsgForSubject(ctx, subject)
		if !errors.Is(err, jetstream.ErrMsgNotFound) {
			return true, err
		}
		info, err := s.Info(ctx, jetstream.WithSubjectFilter(subject))
		switch {
		case err != nil:
			return false, err
		case info.State.Subjects[subject] == 0:
			return false, nil
		case !again: // twice: not just written in between
			return false, ErrUnreadable
		}
	}
}
