package order

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"tcenvsvr/agent/host/fitness"
)

// TestPatience: what an App left is looked for again while the host has no descriptors, and said to be
// so; another failure, and a lack that does not end, are final.
func TestPatience(t *testing.T) {
	lack := &fitness.Error{Code: fitness.NoFiles, Err: errors.New("too many open files")}
	for name, tt := range map[string]struct {
		fails []error
		want  error
		tries int
	}{
		"nothing is wrong":     {tries: 1},
		"for a moment":         {fails: []error{fmt.Errorf("reading: %w", lack), lack}, tries: 3},
		"another failure":      {fails: []error{fs.ErrPermission}, want: fs.ErrPermission, tries: 1},
		"then another failure": {fails: []error{lack, fs.ErrPermission}, want: fs.ErrPermission, tries: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				said, tries := 0, 0
				o := &Order{c: &Config{Unfit: func(code string, _ error) {
					if code == fitness.NoFiles {
						said++
					}
				}}}
				err := o.patiently(t.Context(), func() error {
					if tries++; tries > len(tt.fails) {
						return nil
					}
					return tt.fails[tries-1]
				})
				if !errors.Is(err, tt.want) || tries != tt.tries || said != tries-1 {
					t.Errorf("%v after %d tries, said %d times", err, tries, said)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		o := &Order{c: &Config{Unfit: func(string, error) {}}}
		if err := o.patiently(t.Context(), func() error { return lack }); !errors.Is(err, lack) {
			t.Error(err)
		}
		if d := time.Since(began); d < patience || d > patience+time.Minute {
			t.Errorf("gave up after %s", d)
		}
	})
}
