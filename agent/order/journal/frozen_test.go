package journal

import (
	"errors"
	"testing"

	"tcenvsvr/agent/link/wire"
)

// frozenFile is on a disk that takes no write until it is thawed.
type frozenFile struct {
	file
	frozen *chan struct{} // nil: it is not
	stuck  chan<- struct{}
}

func (f frozenFile) WriteAt(b []byte, at int64) (int, error) {
	if c := *f.frozen; c != nil {
		f.stuck <- struct{}{}
		<-c
	}
	return f.file.WriteAt(b, at)
}

// TestFrozen: while a change waits for the disk, what holds can be seen; a session's reader and a
// hello must not wait with it.
func TestFrozen(t *testing.T) {
	var frozen chan struct{}
	stuck := make(chan struct{}, 100)
	j, err := openIn(t.TempDir(), nil, func(path string) (file, error) {
		f, err := openFile(path)
		return frozenFile{f, &frozen, stuck}, err
	}, fileBytes)
	if err != nil {
		t.Fatal(err)
	}
	ref := wire.Ref{Order: "o", Attempt: 1}
	_, err = j.Accept(Entry{Order: wire.Order{Ref: ref}})
	if err = errors.Join(err, j.Finish(wire.Result{Ref: ref})); err != nil {
		t.Fatal(err)
	}
	frozen = make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- j.Finish(wire.Result{Ref: ref}) }()
	<-stuck
	if e, known := j.Get(ref); !known || e.Result == nil {
		t.Errorf("while the disk is frozen the entry is %+v, %v", e, known)
	}
	if n := len(j.Entries()); n != 1 {
		t.Errorf("while the disk is frozen there are %d entries", n)
	}
	close(frozen)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}
