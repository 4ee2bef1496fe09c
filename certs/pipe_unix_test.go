//go:build unix

package certs_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tcenvsvr/certs"
	"tcenvsvr/certs/certstest"
)

// A pipe that nobody writes to is passed over: to open it would wait, and all jobs with it.
func TestAPipeHoldsUpNobody(t *testing.T) {
	conf, drops := place(t)
	good := certstest.New(t)
	certstest.File(t, drops, "good.pem", good.PEM())
	for _, pipe := range []string{filepath.Join(drops, "pipe.pem"), conf.Sources.Cloud} {
		if err := unix.Mkfifo(pipe, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if !has(t, current(t, certs.New(conf)), good) {
		t.Error("the CA beside it is not trusted")
	}
	h, err := conf.Sources.Merge(time.Now())
	if err != nil || len(h.Problems) != 2 || !strings.Contains(h.Problems[0].Error(), `pipe.pem" is not a regular file`) {
		t.Errorf("got %v and %v", h.Problems, err)
	}
}
